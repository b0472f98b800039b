#!/usr/bin/env bash
# Print the folder of an `apptainer`, for PATH: the machine's own or, on a Debian that has no package of it, that of
# Debian's unstable branch, run inside a root of its own with the host's folders bound in (root).
#   PATH="$(apptainer.sh):$PATH"
# A folder beside the working folder, the home and the temporary folders is named in LANDMARKS_HOST_FOLDERS.
set -euo pipefail

if found=$(command -v apptainer); then
  dirname "$found"
  exit
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/landmark-discovery-system
root=$cache/apptainer-root
commands=$cache/apptainer-bin

if [[ ! -x $root/usr/bin/apptainer ]]; then
  command -v debootstrap >/dev/null || {
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends debootstrap >&2
  }
  mkdir -p "$cache"
  rm -rf "$root.new"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  debootstrap --variant=minbase --include=apptainer,squashfs-tools sid "$root.new" "$mirror" >&2
  # Root of a sandbox may not have every capability, and hands on only what it has.
  sed -i 's/^root default capabilities = full$/root default capabilities = no/' "$root.new/etc/apptainer/apptainer.conf"
  mv "$root.new" "$root"
fi
mkdir -p "$commands"
cat >"$commands/enter" <<'ENTER'
#!/usr/bin/env bash
# Enter the root given first, in a mount namespace that ends with the command, and run the rest there.
set -euo pipefail
root=$1
shift
mount --bind "$root" "$root"
for system in proc sys dev; do mount --rbind "/$system" "$root/$system"; done
for file in /etc/hosts /etc/resolv.conf /etc/passwd /etc/group; do
  touch "$root$file"
  [[ ! -e $file ]] || mount --bind "$file" "$root$file"
done
for folder in "$PWD" "$HOME" "${TMPDIR:-/tmp}" /var/tmp ${LANDMARKS_HOST_FOLDERS:-}; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
done
here=$PWD
mkdir -p "$root/.host"
cd "$root"
pivot_root . .host
umount --lazy /.host
cd "$here"
PATH=/usr/sbin:/usr/bin:/sbin:/bin exec "$@"
ENTER
cat >"$commands/apptainer" <<COMMAND
#!/bin/sh
exec unshare --mount --propagation private "$commands/enter" "$root" /usr/bin/apptainer "\$@"
COMMAND
chmod +x "$commands/enter" "$commands/apptainer"
echo "$commands"
