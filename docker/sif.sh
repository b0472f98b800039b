#!/usr/bin/env bash
# Write an engine's image as a file for Apptainer: sif.sh ENGINE IMAGE OUTPUT.sif
set -euo pipefail

engine=$1 image=$2 output=$3
command -v apptainer >/dev/null || {
  echo "error: apptainer: no such command; install it, see docs/running.md" >&2
  exit 1
}
archive=$(mktemp -p "$(dirname "$output")" .image-XXXXXX.tar)
trap 'rm -f "$archive" "$output.part"' EXIT
"$engine" save "$image" >"$archive"
# The file has its name when it is whole.
apptainer build --force "$output.part" "docker-archive://$archive"
mv "$output.part" "$output"
ls -l "$output"
