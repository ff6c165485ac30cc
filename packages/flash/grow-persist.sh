#!/bin/bash
# grow-persist.sh PARTITION MARK: lets the last partition of an image take the rest of the disk it was written to, while it is mounted.
# The mark is made when it is done, so that a start that is cut short tries again.
set -eu
partition=$(readlink -f "$1")
mark=$2
name=${partition##*/}
sys=${DPLANEOS_SYS:-/sys}/class/block/$name
number=$(cat "$sys/partition")
disk=${DPLANEOS_DISK:-/dev/$(basename "$(readlink -f "$sys/..")")}

# the table of an image ends where the image ended; then the partition, up to the end
sfdisk --quiet --no-reread --relocate gpt-bak-std "$disk"
echo ', +' | sfdisk --quiet --no-reread --no-tell-kernel -N "$number" "$disk"
partx --update --nr "$number" "$disk"
resize2fs "$partition"
: > "$mark"
