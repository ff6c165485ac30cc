# What keeps a small machine from filling up: bounded journal, compressed memory instead of swap, builds outside the tmpfs, old generations let go.
{ config, lib, ... }:
{
  config = lib.mkIf config.services.dplaneos.enable {
    environment.etc."systemd/journald.conf.d/10-dplane.conf".text = ''
      [Journal]
      Storage=persistent
      SystemMaxUse=300M
      MaxRetentionSec=3month
    '';
    zramSwap.enable = true;

    # the claim code is shown where only somebody at the machine can read it
    systemd.services.dplaned.serviceConfig.StandardOutput = "journal+console";

    nix.settings = {
      experimental-features = [
        "nix-command"
        "flakes"
      ];
      build-dir = "/persist/nix-build";
      # half a gigabyte of a slot stays free for what a start needs
      min-free = 536870912;
    };
    systemd.tmpfiles.rules = [ "d /persist/nix-build 0755 root root 7d" ];
    systemd.services.nix-daemon.environment.TMPDIR = "/persist/nix-build";
    # never the one that runs
    nix.gc = {
      automatic = true;
      dates = "weekly";
      options = "--delete-older-than 60d";
    };

    documentation.enable = false;
    system.stateVersion = lib.mkDefault "26.05";
  };
}
