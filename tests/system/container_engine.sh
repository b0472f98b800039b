#!/usr/bin/env bash
# Print the container engine of this machine (docker or podman), installing podman with buildah where there is none.
# Debian or Ubuntu, root.
set -euo pipefail

for engine in docker podman; do
  # A client without its daemon is no engine.
  if "$engine" info >/dev/null 2>&1; then
    echo "$engine"
    exit
  fi
done
apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
  buildah podman runc uidmap fuse-overlayfs >&2
podman info >/dev/null
echo podman
