#!/usr/bin/env bash
# Print a base image to build upon: Debian 12 from its registry or, where no registry is reached, made by debootstrap.
#   base_image.sh ENGINE
set -euo pipefail

engine=$1
published=docker.io/library/debian:bookworm-slim
made=localhost/landmark-discovery-base:bookworm

# A registry that can't be reached can also hang.
if "$engine" image inspect "$published" >/dev/null 2>&1 || timeout 120 "$engine" pull -q "$published" >/dev/null 2>&1; then
  echo "$published"
  exit
fi
if ! "$engine" image inspect "$made" >/dev/null 2>&1; then
  command -v debootstrap >/dev/null || {
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends debootstrap >&2
  }
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  # The mirror that this machine's own apt uses.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root/debian" "$mirror" >&2
  rm -rf "$root"/debian/var/cache/apt/archives/*.deb "$root"/debian/var/lib/apt/lists/*
  tar -C "$root/debian" -c . | "$engine" import -c 'CMD ["/bin/bash"]' - "$made" >&2
fi
echo "$made"
