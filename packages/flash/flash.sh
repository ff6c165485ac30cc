#!/bin/bash
# dplaneos-flash [--public-key FILE] IMAGE.img.zst [DISK]: writes the image to a disk, after showing what there is and asking for the name of the disk.
# Everything on that disk is lost, so: only names in /dev/disk/by-id, never a disk that is in use, and the whole name has to be typed.
set -eu
by_id=${DPLANEOS_BY_ID:-/dev/disk/by-id}

say() { printf '%s\n' "$*" >&2; }
refuse() { say "dplaneos-flash: $*"; exit 1; }

key=
if [ "${1:-}" = --public-key ]; then
  key=${2:-}
  [ -f "$key" ] || refuse "$key is no file: --public-key takes the .pem of whoever made the image"
  shift 2
fi
image=${1:-}
[ -n "$image" ] || refuse "usage: dplaneos-flash [--public-key FILE] IMAGE.img.zst [/dev/disk/by-id/NAME]"
[ -f "$image" ] || refuse "$image is no file"
[ -f "$image.sha256" ] || refuse "$image.sha256 is missing: without it nobody can say whether the image is whole"
wanted=$(sed 's/ .*//' "$image.sha256")
say "Checking $image ..."
[ "$(sha256sum < "$image" | sed 's/ .*//')" = "$wanted" ] || refuse "$image is not what $image.sha256 says: download it again. Nothing was written"

# who made it: as dplane-ota sign-file signs (ota/README.md)
if [ -n "$key" ]; then
  [ -f "$image.sig" ] || refuse "$image.sig is missing: without it nobody can say who made the image. Nothing was written"
  message=$(mktemp)
  { printf 'dplane-file-v1\0'; openssl dgst -sha512 -binary "$image"; } > "$message"
  good=$(openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$message" -sigfile "$image.sig" 2> /dev/null || true)
  rm -f "$message"
  [ "$good" = "Signature Verified Successfully" ] || refuse "$image was not signed by $key. Do not use it. Nothing was written"
  say "Signed by $key."
else
  say "Whole, but who made it was not checked: give --public-key FILE for that."
fi

# whole disks by the names that stay with them; the kernel's alias of the same disk only once
list() {
  for link in "$by_id"/*; do
    case $link in *-part[0-9]* | */wwn-* | */dm-* | */md-* | */nvme-eui.*) continue ;; esac
    [ -e "$link" ] || continue
    disk=$(readlink -f "$link")
    printf '%s\t%s\t%s\n' "$link" "$(lsblk -dno SIZE "$disk" 2> /dev/null || echo '?')" "$(lsblk -rno FSTYPE,LABEL,MOUNTPOINTS "$disk" 2> /dev/null | sed '/^ *$/d' | paste -s -d ';' -)"
  done
}

disk=${2:-}
if [ -z "$disk" ]; then
  say "Disks (what is on them is lost if they are chosen):"
  list >&2
  printf 'Type the whole name of the disk to write to: ' >&2
  read -r disk || refuse "no disk was named. Nothing was written"
fi
case $disk in
  "$by_id"/*) ;;
  *) refuse "$disk is no name in $by_id: names such as /dev/sda can mean another disk after a restart. Nothing was written" ;;
esac
[ -e "$disk" ] || refuse "$disk is not there. Nothing was written"
case $disk in *-part[0-9]*) refuse "$disk is a partition; the image is a whole disk. Nothing was written" ;; esac
device=$(readlink -f "$disk")
[ -b "$device" ] || [ -n "${DPLANEOS_FLASH_TO_FILE:-}" ] || refuse "$disk is no disk. Nothing was written"

used=$(lsblk -rno MOUNTPOINTS "$device" 2> /dev/null | sed '/^ *$/d' || true)
[ -z "$used" ] || refuse "$disk is in use (mounted at $(printf '%s' "$used" | paste -s -d ' ' -)). Nothing was written"
if lsblk -rno FSTYPE "$device" 2> /dev/null | grep -qx zfs_member; then
  refuse "$disk belongs to a ZFS pool. If that pool is really not wanted any more: zpool labelclear. Nothing was written"
fi

if [ -z "${2:-}" ]; then
  printf 'Everything on %s is lost. Type it once more: ' "$disk" >&2
  read -r again || again=
  [ "$again" = "$disk" ] || refuse "that was another name. Nothing was written"
fi
say "Writing ..."
zstd -dc "$image" | dd of="$device" bs=4M iflag=fullblock conv=fsync,notrunc status=progress
say "Reading back ..."
size=$(zstd -dc "$image" | wc -c)
[ "$(zstd -dc "$image" | sha256sum)" = "$(head -c "$size" "$device" | sha256sum)" ] || refuse "what was read back from $disk is not what was written: the disk may be failing. Do not use it"
[ ! -b "$device" ] || blockdev --rereadpt "$device" || true
say "Done: $disk holds the image. Remove the installer, start the machine, and read the code on its screen."
