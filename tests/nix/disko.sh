#!/bin/bash
# disko.sh DISK-IMAGE FORMAT-SCRIPT MOUNT-SCRIPT ROOT: runs disko's own scripts on a file, in a mount namespace of its own (root).
# Prints what is mounted where below ROOT, then the labels of the partitions.
set -eu
image=$1 format=$2 mount=$3 root=$4
shims=$(dirname "$(readlink -f "$0")")/shims
loop=$(losetup --find --show "$image")
made=
[ -d /dev/disk ] || made=yes
mkdir -p /dev/disk
finish() {
  umount -R "$root" 2> /dev/null || true
  partx --delete "$loop" 2> /dev/null || true
  losetup --detach "$loop"
  umount /dev/disk || true
  [ -z "$made" ] || rmdir /dev/disk 2> /dev/null || true
}
trap finish EXIT
mount -t tmpfs none /dev/disk
mkdir -p /dev/disk/by-id "$root"
ln -s "$loop" /dev/disk/by-id/ata-DPLANE_TEST
for script in "$format" "$mount"; do
  sed "s#^export PATH=#export PATH=$shims:/usr/sbin:/usr/bin:#" "$script" > "$script.run"
  bash "$script.run" > "$script.log" 2>&1 || { tail -n 15 "$script.log" >&2; exit 1; }
done
findmnt -rn -o TARGET,FSTYPE -R "$root" | sed 's/^/mounted /'
for partition in /dev/disk/by-partlabel/*; do
  echo "partition $(basename "$partition") $(blkid -p -s TYPE -s LABEL -o value "$(readlink -f "$partition")" | paste -s -d ' ')"
done
