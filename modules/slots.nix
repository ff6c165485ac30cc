# Two system slots: where this system lies, how it is started, and how it is judged (docs/adr/0006-slots.md). `nixos-rebuild boot|switch` writes a
# counted entry for the running slot through the same program that installs updates; the other slot stays the way back.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.dplaneos;
  table = import ../disko/table.nix;
  byLabel = name: "/dev/disk/by-partlabel/${table.${name}.label}";
  slotRule = pkgs.runCommand "dplaneos-slot-rule" { } ''
    mkdir -p $out/lib/udev/rules.d
    cp ${../packages/debian/image/files/usr/lib/udev/rules.d/65-dplane-slot.rules} $out/lib/udev/rules.d/65-dplane-slot.rules
  '';
  hook = pkgs.writeShellScript "dplaneos-boot-entry" ''
    exec ${cfg.package}/bin/dplane-ota nixos-hook "$1"
  '';
  # found by units and programs of the .deb's names
  units = {
    "multi-user.target" = [
      "dplane-verdict.service"
      "dplane-settle.service"
      "dplane-baseline.service"
    ];
    "sysinit.target" = [ "dplane-deadline.timer" ];
  };
  tools = [
    config.boot.zfs.package
    config.systemd.package
    pkgs.coreutils
    pkgs.util-linux
  ];
in
{
  config = lib.mkIf cfg.enable {
    boot.loader.external = {
      enable = true;
      installHook = hook;
    };
    # dplane-ota apply, verdict and rollback find the boot partition here
    fileSystems."/boot" = {
      device = byLabel "esp";
      fsType = "vfat";
      options = [
        "umask=0077"
        "noatime"
        # a damaged boot partition must not keep a NAS from serving
        "nofail"
        "x-systemd.device-timeout=10min"
      ];
    };
    fileSystems."/nix" = {
      device = "/dev/dplane/slot";
      fsType = "ext4";
      options = [ "noatime" ];
      neededForBoot = true;
      # the image is made for its contents
      autoResize = true;
    };
    services.udev.packages = [ slotRule ];
    boot.initrd.services.udev.packages = [ slotRule ];
    boot.initrd.systemd.enable = true;

    # what the boot loader counts is no use if a kernel that hangs is not restarted
    boot.kernelParams = [
      "panic=5"
      "boot.panic_on_fail"
    ];
    boot.kernelModules = [ "softdog" ];
    environment.etc."systemd/system.conf.d/10-dplane-watchdog.conf".source =
      ../packages/debian/image/files/etc/systemd/system.conf.d/10-dplane-watchdog.conf;

    systemd.targets =
      lib.mapAttrs' (target: wants: {
        name = lib.removeSuffix ".target" target;
        value = { inherit wants; };
      }) units
      // {
        boot-complete = {
          description = "This start is good";
          requires = [ "sysinit.target" ];
          after = [ "sysinit.target" ];
          requiredBy = [ ];
        };
      };
    systemd.services = {
      dplane-verdict = {
        path = tools;
        requiredBy = [ "boot-complete.target" ];
        restartIfChanged = false;
      };
      dplane-settle = {
        path = tools;
        restartIfChanged = false;
      };
      dplane-baseline = {
        path = tools;
        restartIfChanged = false;
      };
      dplane-ota-apply = {
        path = tools;
        restartIfChanged = false;
      };
      # As systemd ships it. Said here because NixOS takes it up only with its own boot loader.
      systemd-bless-boot = {
        description = "Mark the Current Boot Loader Entry as Good";
        requires = [ "boot-complete.target" ];
        after = [
          "local-fs.target"
          "boot-complete.target"
        ];
        conflicts = [ "shutdown.target" ];
        before = [ "shutdown.target" ];
        wantedBy = [ "multi-user.target" ];
        restartIfChanged = false;
        unitConfig = {
          DefaultDependencies = false;
          ConditionPathExistsGlob = "/sys/firmware/efi/efivars/LoaderBootCountPath-*";
        };
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = [
            ""
            "${config.systemd.package}/lib/systemd/systemd-bless-boot good"
          ];
        };
      };
      # A slot comes as an image: what lies in its store is made known to Nix once, at its first start.
      # An image is as large as what it holds; the disk it was written to is larger.
      dplane-grow = {
        description = "/persist takes the rest of the disk";
        wantedBy = [ "multi-user.target" ];
        restartIfChanged = false;
        unitConfig.ConditionPathExists = "!/persist/.grown";
        path = [
          pkgs.util-linux
          pkgs.e2fsprogs
          pkgs.coreutils
        ];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = "${pkgs.bash}/bin/bash ${../packages/flash/grow-persist.sh} ${byLabel "persist"} /persist/.grown";
        };
      };
      dplane-nix-register = {
        description = "The slot's store is known to Nix";
        wantedBy = [ "multi-user.target" ];
        before = [ "nix-daemon.service" ];
        unitConfig.ConditionPathExists = "/nix/nix-path-registration";
        restartIfChanged = false;
        path = [ config.nix.package ];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
        };
        script = ''
          nix-store --load-db < /nix/nix-path-registration
          nix-env --profile /nix/var/nix/profiles/system --set "$(readlink -f /run/current-system)"
          rm /nix/nix-path-registration
        '';
      };
    };
  };
}
