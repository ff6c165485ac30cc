# What goes into a slot, of a NixOS system: an ext4 with its store (mounted at /nix), kernel, initrd, and what they are. Made for its contents;
# its first start grows it to the partition (modules/slots.nix). Same inputs, same bytes.
#   system   an evaluated NixOS system with modules/appliance.nix
{
  lib,
  runCommand,
  closureInfo,
  e2fsprogs,
  fakeroot,
  libfaketime,
  system,
  slotMiB ? (import ../disko/table.nix).system-a.mib,
}:
let
  config = system.config;
  toplevel = config.system.build.toplevel;
  version = config.services.dplaneos.release.version;
  zfs = config.boot.zfs.package;
  features = "share/zfs/compatibility.d/openzfs-${lib.versions.majorMinor zfs.version}-linux";
  # fixed: nothing of ours looks at it, and two builds have to be alike
  uuid = "0d91a9e0-0000-4000-8000-0000000000a0";
in
runCommand "dplaneos-slot-${version}"
  {
    inherit version;
    nativeBuildInputs = [
      e2fsprogs
      fakeroot
      libfaketime
    ];
    passthru = { inherit toplevel; };
  }
  ''
    closure=${closureInfo { rootPaths = [ toplevel ]; }}
    closure_mib=$(($(cat $closure/total-nar-size) / 1048576 + 1))
    # inodes, journal and blocks that are not full; and a start needs room to write
    image_mib=$((closure_mib * 9 / 8 + 192))
    if [ $image_mib -gt ${toString slotMiB} ]; then
      echo "D-PlaneOS: the system has $closure_mib MiB and takes $image_mib MiB as a file system, but a slot has ${toString slotMiB} MiB." >&2
      echo "Leave something out of it (nix path-info -rsSh shows what is large), or make the slots larger (systemMiB of disko/ab.nix)." >&2
      exit 1
    fi

    mkdir -p root/store root/var/nix/profiles $out
    xargs -a $closure/store-paths cp -a -t root/store
    cp $closure/registration root/nix-path-registration
    ln -s ${toplevel} root/var/nix/profiles/system-1-link
    ln -s system-1-link root/var/nix/profiles/system
    find root -exec touch -h -d @1 {} +
    truncate -s ''${image_mib}M $out/slot.img
    # changes of an inode have a time of their own, which is that of the copying above
    faketime -f '1970-01-01 00:00:01' fakeroot mkfs.ext4 -q -d root -L system -U ${uuid} -m 0 -E hash_seed=${uuid},lazy_itable_init=0,lazy_journal_init=0 $out/slot.img

    cp ${toplevel}/kernel $out/kernel
    cp ${toplevel}/initrd $out/initrd
    echo "init=${toplevel}/init $(cat ${toplevel}/kernel-params)" > $out/kernel-params
    # what its OpenZFS knows, for the policy of updates
    { sed 's/#.*//' ${zfs}/${features} | sed 's/[[:space:]]*//g' | grep . || exit 1; } | sort > features
    {
      printf '%s' "$(cat ${toplevel}/etc/dplaneos/system.json)" | sed 's/}$//'
      printf ',"poolFeatures":["%s"]}\n' "$(paste -s -d '#' features | sed 's/#/","/g')"
    } > $out/system.json
  ''
