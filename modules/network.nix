# Any wired port asks for an address; the firewall is nftables'.
{ config, lib, ... }:
{
  config = lib.mkIf config.services.dplaneos.enable {
    networking.useNetworkd = true;
    networking.useDHCP = lib.mkDefault true;
    networking.nftables.enable = true;
    networking.firewall.enable = true;
    environment.etc."systemd/resolved.conf.d/10-dplane.conf".source =
      ../packages/debian/image/files/etc/systemd/resolved.conf.d/10-dplane.conf;
  };
}
