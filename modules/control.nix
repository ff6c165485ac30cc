# Daemon, root executor, command line. The units are those of the package, byte for byte as in the .deb; what NixOS has to add (where its
# programs are) stands in drop-ins beside them.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.dplaneos;

  # Started by hand-written units that NixOS does not read: it has to be told what wants them, as `systemctl enable` would be.
  wanted = {
    "sockets.target" = [ "dplane-exec.socket" ];
    "multi-user.target" = [
      "dplaned.service"
      "dplane-pools.service"
      "dplane-pools-expected.service"
      "dplane-guard.service"
    ];
  };

  # What the programs of ours start. Commands are looked up in the system's profile (control/src/host/exec.ts), the gate's in its PATH.
  tools = [
    config.boot.zfs.package
    config.services.samba.package
    pkgs.acl
    pkgs.coreutils
    pkgs.e2fsprogs
    pkgs.gawk
    pkgs.gnugrep
    pkgs.gnused
    pkgs.iproute2
    pkgs.nfs-utils
    pkgs.openssh
    pkgs.smartmontools
    pkgs.util-linux
    config.systemd.package
  ];

  dropIn = {
    path = tools;
    # the units themselves never change with the code they start
    restartTriggers = [ cfg.home ];
  };
in
{
  options.services.dplaneos = {
    enable = lib.mkEnableOption "D-PlaneOS, a control plane for a ZFS NAS";

    package = lib.mkOption {
      type = lib.types.package;
      example = lib.literalExpression "dplaneos.packages.x86_64-linux.control";
      description = "The package with daemon, executor, command line and units; the flake's modules bring theirs.";
    };

    port = lib.mkOption {
      type = lib.types.ints.between 1024 65535;
      default = 8443;
      example = 9443;
      description = "Port of the browser interface and the API (HTTPS). The daemon has no privileges, so none below 1024.";
    };
  };

  config = lib.mkIf cfg.enable {
    # Numbers are fixed, and those of the Debian image: files on /persist and in datasets keep their owner whatever system starts.
    users.users.dplane = {
      isSystemUser = true;
      uid = 830;
      group = "dplane";
      home = "/var/lib/dplane";
      description = "D-PlaneOS control plane";
    };
    users.groups.dplane.gid = 830;

    environment.systemPackages = [ cfg.package ] ++ tools;
    systemd.packages = [ cfg.package ];
    systemd.tmpfiles.packages = [ cfg.package ];

    systemd.targets = lib.mapAttrs' (target: units: {
      name = lib.removeSuffix ".target" target;
      value.wants = units;
    }) wanted;

    systemd.services = {
      dplaned = dropIn // {
        environment = lib.mkIf (cfg.port != 8443) { DPLANE_PORT = toString cfg.port; };
      };
      dplane-exec = dropIn;
      # one that beats goes on: the daemon begins another when it ends
      "dplane-heartbeat@" = {
        path = tools;
        restartIfChanged = false;
      };
      dplane-guard = dropIn;
      dplane-pools = dropIn // {
        # importing again would gain nothing, and a gate that stops takes the shares with it
        restartIfChanged = false;
        restartTriggers = [ ];
      };
      dplane-pools-expected = dropIn // {
        restartIfChanged = false;
        restartTriggers = [ ];
      };
    };

    # Units and programs say /usr/lib/dplaneos, on every system alike (packages/tree.ts). Made before the first unit starts, and replaced in one step.
    system.activationScripts.dplaneos = ''
      mkdir -p /usr/lib
      ln -sfn ${cfg.home} /usr/lib/.dplaneos.new
      mv -T /usr/lib/.dplaneos.new /usr/lib/dplaneos
    '';
  };
}
