#!/bin/bash
# generations.sh FOLDER COMMAND...: gives a command a machine with a real Nix profile at its real place, in a mount namespace of its own: three systems made of
# small derivations, each with a switch-to-configuration, the newest running. There is no systemd to ask for a unit, so systemd-run is a script that
# runs what it is given. (root)
set -eu
work=$1
shift
node=$1
here=$(dirname "$(readlink -f "$0")")
mount -t tmpfs none /run
made=
[ -d /nix ] || made=yes
mkdir -p /nix
finish() {
  umount /nix
  [ -z "$made" ] || rmdir /nix
}
trap finish EXIT
mount -t tmpfs none /nix
export NIX_REMOTE=local NIX_CONF_DIR="$work/etc" HOME="$work" NIX_PATH=
export NIX_CONFIG=$'build-users-group =\nsandbox = false\nsubstitute = false'
system() {
  nix-build --no-out-link "$here/lib/generation.nix" --argstr number "$1" --argstr zfs "$2" --argstr hook "$node $here/../../ota/src/main.ts" 2> /dev/null
}
for n in 1 2 3; do
  nix-env --quiet --profile /nix/var/nix/profiles/system --set "$(system $n "2.3.$n")" 2> /dev/null
done
ln -s "$(readlink -f /nix/var/nix/profiles/system)" /run/current-system
ln -s "$(readlink -f /nix/var/nix/profiles/system)" /run/booted-system
"$@"
