# Samba and NFS as a base to which dplane-exec adds shares. Each waits for the pools (drop-ins of the package) and for a first share.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.dplaneos;
  grep = file: "${pkgs.gnugrep}/bin/grep -qs \"^# dplaneos-share: \" ${file}";
in
{
  options.services.dplaneos.shares = {
    smb.enable = lib.mkEnableOption "SMB shares" // {
      default = true;
    };
    nfs.enable = lib.mkEnableOption "NFS exports" // {
      default = true;
    };
    discovery.enable =
      lib.mkEnableOption "listing this machine in the Finder (mDNS, Time Machine included) and in Windows (WS-Discovery)"
      // {
        default = true;
        description = ''
          Whether to list this machine in the Finder (mDNS, Time Machine included) and in Windows (WS-Discovery).
          Samba is built with mDNS for it, which the one of nixpkgs is not.
        '';
      };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      (lib.mkIf cfg.shares.smb.enable {
        services.samba = {
          enable = true;
          nmbd.enable = false;
          winbindd.enable = false;
        };
        # The very file of the Debian image: its include has to come last, which an attribute set can't promise.
        environment.etc."samba/smb.conf".source = lib.mkForce ../packages/debian/image/files/etc/samba/smb.conf;
        systemd.services.samba-smbd = {
          # the name that units and programs of ours know
          aliases = [ "smbd.service" ];
          serviceConfig.ExecCondition = grep "/etc/samba/dplaneos/shares.conf";
          serviceConfig.Restart = lib.mkDefault "on-failure";
        };
      })
      (lib.mkIf (cfg.shares.smb.enable && cfg.shares.discovery.enable) {
        # Samba says by itself what it serves, backups for Macs too
        services.samba.package = lib.mkDefault (pkgs.samba4.override { enableMDNS = true; });
        services.avahi = {
          enable = true;
          publish.enable = true;
          publish.userServices = true;
          openFirewall = cfg.openFirewall;
        };
        services.samba-wsdd = {
          enable = true;
          openFirewall = cfg.openFirewall;
        };
        # it comes and goes with Samba
        systemd.services.samba-smbd.wants = [ "samba-wsdd.service" ];
        systemd.services.samba-wsdd = {
          wantedBy = lib.mkForce [ ];
          partOf = [ "samba-smbd.service" ];
        };
      })
      (lib.mkIf cfg.shares.nfs.enable {
        services.nfs.server.enable = true;
        systemd.services.nfs-server.serviceConfig.ExecCondition = grep "/etc/exports.d/dplaneos.exports";
      })
    ]
  );
}
