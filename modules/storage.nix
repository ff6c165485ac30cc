# ZFS as the pools' gate wants it: nothing but dplane-pools.service imports, never by force, and the kernel's list of pools is kept.
{ config, lib, ... }:
let
  cfg = config.services.dplaneos;
  perMachine = cfg.storage.hostIdPerMachine;
in
{
  options.services.dplaneos.storage.hostIdPerMachine = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = ''
      Every machine makes a host id of its own at its first start and keeps it on /persist. For an image that many machines start
      from; a machine with a configuration of its own sets networking.hostId.
    '';
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = config.networking.hostId != null || perMachine;
        message = "D-PlaneOS: networking.hostId is not set. ZFS tells by it whether a pool was last used by another machine. Set it to eight hex digits of this machine's own, once and for good: head -c4 /dev/urandom | od -A none -t x4";
      }
      {
        assertion = config.networking.hostId != "00000000";
        message = "D-PlaneOS: networking.hostId is 00000000, which ZFS takes for none at all. Set it to: head -c4 /dev/urandom | od -A none -t x4";
      }
    ];

    # NixOS wants a number at evaluation; the file that would hold it gives way to the machine's own (persist.nix)
    networking.hostId = lib.mkIf perMachine (lib.mkDefault "d91a0e05");
    environment.etc.hostid.enable = lib.mkIf perMachine (lib.mkForce false);

    boot.zfs.forceImportRoot = false;
    boot.zfs.forceImportAll = false;
    boot.extraModprobeConfig = "options zfs spa_config_path=/var/lib/dplane-pools/zpool.cache";
    boot.kernelModules = [ "zfs" ];

    # The gate mounts what it imported; shares are made by dplane-exec alone.
    systemd.services.zfs-mount.enable = false;
    systemd.services.zfs-share.enable = false;
    services.zfs.zed.enableMail = false;
  };
}
