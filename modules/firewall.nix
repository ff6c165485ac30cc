# Open: the browser interface, and what the shares of this machine speak. Nothing else.
{ config, lib, ... }:
let
  cfg = config.services.dplaneos;
in
{
  options.services.dplaneos.openFirewall = lib.mkOption {
    type = lib.types.bool;
    default = true;
    description = "Open the ports of the browser interface, and of SMB and NFS where they are enabled.";
  };

  config = lib.mkIf (cfg.enable && cfg.openFirewall) {
    networking.firewall.allowedTCPPorts =
      [ cfg.port ]
      ++ lib.optional cfg.shares.smb.enable 445
      # NFS 4: one port. Clients of NFS 3 need portmapper and mountd, too, which have to be opened by hand.
      ++ lib.optional cfg.shares.nfs.enable 2049;
  };
}
