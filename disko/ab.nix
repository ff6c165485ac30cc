# One disk with two system slots, for disko: esp, system-a, system-b, persist. Slot A is made as a file system that nixos-install fills; slot B stays
# empty until the first update writes it.
#   import ./disko/ab.nix { device = "/dev/disk/by-id/..."; }
{
  device,
  espMiB ? (import ./table.nix).esp.mib,
  systemMiB ? (import ./table.nix).system-a.mib,
  # null: the rest of the disk
  persistMiB ? null,
}:
let
  table = import ./table.nix;
  byId = builtins.match "/dev/disk/by-id/[A-Za-z0-9][A-Za-z0-9_.:+@=-]*" device != null;
  atLeast =
    what: least: given:
    if builtins.isInt given && given >= least then
      given
    else
      throw "D-PlaneOS: ${what} is ${toString given} MiB; it takes ${toString least} at least.";
  size = mib: if mib == null then "100%" else "${toString mib}M";
  partition = name: mib: content: {
    inherit (table.${name}) priority label type;
    size = size mib;
    inherit content;
  };
  ext4 = name: mountpoint: {
    type = "filesystem";
    format = "ext4";
    extraArgs = [
      "-L"
      name
    ];
    inherit mountpoint;
    mountOptions = [ "noatime" ];
  };
in
if !byId then
  throw "D-PlaneOS: the disk to install on is ${builtins.toJSON device}, but such a name can mean another disk after a restart, and everything on it is deleted. Use the name in /dev/disk/by-id, as `ls -l /dev/disk/by-id` shows it."
else
  {
    disko.devices = {
      disk.system = {
        type = "disk";
        inherit device;
        content = {
          type = "gpt";
          partitions = {
            # two kernels with their initrds a slot, and room for one more while an update is written
            esp = partition "esp" (atLeast "the boot partition" 512 espMiB) {
              type = "filesystem";
              format = "vfat";
              mountpoint = "/boot";
              mountOptions = [ "umask=0077" ];
              extraArgs = [
                "-F"
                "32"
                "-n"
                "ESP"
              ];
            };
            system-a = partition "system-a" (atLeast "a system slot" 2048 systemMiB) (ext4 "system-a" "/nix");
            system-b = partition "system-b" (atLeast "a system slot" 2048 systemMiB) null;
            persist = partition "persist" (
              if persistMiB == null then null else atLeast "persist" 1024 persistMiB
            ) (ext4 "persist" "/persist");
          };
        };
      };
      nodev."/" = {
        fsType = "tmpfs";
        mountOptions = [
          "mode=755"
          "size=50%"
        ];
      };
    };
  }
