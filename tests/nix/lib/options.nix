# The options of NixOS that our modules may set, and what type of value they take. Anything else is "does not exist" in the tests, as a misspelt one
# would be in NixOS. Each names the file that declares it: below nixos/modules of the pinned nixpkgs, or in another input.
{ lib }:
let
  t = lib.types;
  option = file: type: { inherit file type; };
  withDefault =
    file: type: default:
    option file type // { inherit default; };

  flag = file: withDefault file t.bool false;
  on = file: withDefault file t.bool true;
  list = file: type: withDefault file (t.listOf type) [ ];
  text = file: withDefault file t.lines "";
  set = file: type: withDefault file (t.attrsOf type) { };
  any = file: withDefault file t.raw null;
  sub = options: t.submodule { options = lib.mapAttrs (_: o: lib.mkOption (removeAttrs o [ "file" ])) options; };
  # whose attribute gives one of its options its default
  named =
    key: options:
    t.submodule (
      { name, ... }:
      {
        options = lib.mapAttrs (_: o: lib.mkOption (removeAttrs o [ "file" ])) options;
        config.${key} = lib.mkDefault name;
      }
    );
  inherit (builtins) removeAttrs;

  systemd = "system/boot/systemd.nix";
  # what every unit has (lib/systemd-unit-options.nix)
  names = list systemd t.str;
  value = t.nullOr (t.oneOf [ t.bool t.int t.float t.str t.path t.package (t.listOf (t.oneOf [ t.bool t.int t.str t.path ])) ]);
  unit = {
    enable = on systemd;
    description = withDefault systemd t.str "";
    documentation = names;
    unitConfig = set systemd value;
    aliases = names;
    wantedBy = names;
    requiredBy = names;
    wants = names;
    requires = names;
    bindsTo = names;
    partOf = names;
    after = names;
    before = names;
    conflicts = names;
    onFailure = names;
  };
  service = unit // {
    serviceConfig = set systemd value;
    environment = set systemd (t.nullOr (t.oneOf [ t.str t.path t.package ]));
    path = list systemd (t.oneOf [ t.package t.str ]);
    script = text systemd;
    restartIfChanged = on systemd;
    restartTriggers = list systemd t.anything;
  };

  etc = {
    enable = on "system/etc/etc.nix";
    text = withDefault "system/etc/etc.nix" (t.nullOr t.lines) null;
    source = withDefault "system/etc/etc.nix" (t.nullOr t.path) null;
    mode = withDefault "system/etc/etc.nix" t.str "symlink";
  };
  fileSystem = {
    mountPoint = option "tasks/filesystems.nix" t.str;
    device = withDefault "tasks/filesystems.nix" (t.nullOr t.str) null;
    fsType = withDefault "tasks/filesystems.nix" t.str "auto";
    options = withDefault "tasks/filesystems.nix" (t.listOf t.str) [ ];
    neededForBoot = flag "tasks/filesystems.nix";
    autoResize = flag "tasks/filesystems.nix";
  };
  user = {
    name = option "config/users-groups.nix" t.str;
    isSystemUser = flag "config/users-groups.nix";
    isNormalUser = flag "config/users-groups.nix";
    uid = withDefault "config/users-groups.nix" (t.nullOr t.int) null;
    group = withDefault "config/users-groups.nix" t.str "";
    home = withDefault "config/users-groups.nix" t.path "/var/empty";
    description = withDefault "config/users-groups.nix" t.str "";
    extraGroups = list "config/users-groups.nix" t.str;
    hashedPassword = withDefault "config/users-groups.nix" (t.nullOr t.str) null;
    openssh = withDefault "services/networking/ssh/sshd.nix" (sub {
      authorizedKeys = withDefault "services/networking/ssh/sshd.nix" (sub { keys = list "services/networking/ssh/sshd.nix" t.str; }) { };
    }) { };
  };
  persistence = {
    hideMounts = flag "nixos.nix";
    directories = list "nixos.nix" (t.either t.str t.attrs);
    files = list "nixos.nix" (t.either t.str t.attrs);
  };
in
{
  nixpkgs = {
    "assertions" = list "misc/assertions.nix" t.unspecified;
    "warnings" = list "misc/assertions.nix" t.str;

    "boot.bootspec.enable" = on "system/activation/bootspec.nix";
    "boot.extraModprobeConfig" = text "system/boot/modprobe.nix";
    "boot.initrd.services.udev.packages" = list "services/hardware/udev.nix" t.path;
    "boot.initrd.supportedFilesystems" = set "tasks/filesystems.nix" t.bool;
    "boot.initrd.systemd.enable" = on "system/boot/systemd/initrd.nix";
    "boot.kernelModules" = list "system/boot/kernel.nix" t.str;
    "boot.kernelPackages" = option "system/boot/kernel.nix" t.raw;
    "boot.kernelParams" = list "system/boot/kernel.nix" t.str;
    "boot.loader.external.enable" = flag "system/boot/loader/external/external.nix";
    "boot.loader.external.installHook" = option "system/boot/loader/external/external.nix" t.path;
    "boot.supportedFilesystems" = set "tasks/filesystems.nix" t.bool;
    "boot.zfs.forceImportAll" = flag "tasks/filesystems/zfs.nix";
    "boot.zfs.forceImportRoot" = flag "tasks/filesystems/zfs.nix";
    "boot.zfs.modulePackage" = option "tasks/filesystems/zfs.nix" t.package;
    "boot.zfs.package" = option "tasks/filesystems/zfs.nix" t.package;

    "documentation.enable" = on "misc/documentation.nix";
    "environment.etc" = set "system/etc/etc.nix" (sub etc);
    "environment.systemPackages" = list "config/system-path.nix" t.package;
    "fileSystems" = set "tasks/filesystems.nix" (named "mountPoint" fileSystem);

    "networking.firewall.allowedTCPPorts" = list "services/networking/firewall.nix" t.port;
    "networking.firewall.enable" = on "services/networking/firewall.nix";
    "networking.hostId" = withDefault "tasks/network-interfaces.nix" (t.nullOr (t.strMatching "[0-9a-f]{8}")) null;
    "networking.hostName" = withDefault "tasks/network-interfaces.nix" t.str "nixos";
    "networking.nftables.enable" = flag "services/networking/nftables.nix";
    "networking.useDHCP" = on "tasks/network-interfaces.nix";
    "networking.useNetworkd" = flag "tasks/network-interfaces.nix";

    "nix.gc.automatic" = flag "services/misc/nix-gc.nix";
    "nix.gc.dates" = withDefault "services/misc/nix-gc.nix" t.str "03:15";
    "nix.gc.options" = withDefault "services/misc/nix-gc.nix" t.str "";
    "nix.package" = option "services/system/nix-daemon.nix" t.package;
    "nix.settings" = set "config/nix.nix" t.anything;
    "nixpkgs.hostPlatform" = option "misc/nixpkgs.nix" (t.either t.str t.attrs);

    "security.sudo.wheelNeedsPassword" = on "security/sudo.nix";

    "specialisation" = set "system/activation/specialisation.nix" t.attrs;

    "services.avahi.enable" = flag "services/networking/avahi-daemon.nix";
    "services.avahi.openFirewall" = on "services/networking/avahi-daemon.nix";
    "services.avahi.publish.enable" = flag "services/networking/avahi-daemon.nix";
    "services.avahi.publish.userServices" = flag "services/networking/avahi-daemon.nix";
    "services.nfs.server.enable" = flag "services/network-filesystems/nfsd.nix";
    "services.openssh.enable" = flag "services/networking/ssh/sshd.nix";
    "services.openssh.hostKeys" = list "services/networking/ssh/sshd.nix" t.attrs;
    "services.openssh.openFirewall" = on "services/networking/ssh/sshd.nix";
    "services.openssh.settings" = set "services/networking/ssh/sshd.nix" t.anything;
    "services.samba.enable" = flag "services/network-filesystems/samba.nix";
    "services.samba.nmbd.enable" = on "services/network-filesystems/samba.nix";
    "services.samba.package" = option "services/network-filesystems/samba.nix" t.package;
    "services.samba.winbindd.enable" = on "services/network-filesystems/samba.nix";
    "services.samba-wsdd.enable" = flag "services/network-filesystems/samba-wsdd.nix";
    "services.samba-wsdd.openFirewall" = flag "services/network-filesystems/samba-wsdd.nix";
    "services.udev.packages" = list "services/hardware/udev.nix" t.path;
    "services.zfs.zed.enableMail" = flag "tasks/filesystems/zfs.nix";

    "system.activationScripts" = set "system/activation/activation-script.nix" (
      t.coercedTo t.str (text: { inherit text; }) (sub {
        deps = list "system/activation/activation-script.nix" t.str;
        text = text "system/activation/activation-script.nix";
      })
    );
    "system.build" = set "system/build.nix" t.unspecified;
    "system.stateVersion" = withDefault "misc/version.nix" t.str "26.05";

    "systemd.package" = option systemd t.package;
    "systemd.packages" = list systemd t.package;
    "systemd.services" = set systemd (sub service);
    "systemd.targets" = set systemd (sub unit);
    "systemd.tmpfiles.packages" = list "system/boot/systemd/tmpfiles.nix" t.package;
    "systemd.tmpfiles.rules" = list "system/boot/systemd/tmpfiles.nix" t.str;

    "users.allowNoPasswordLogin" = flag "config/users-groups.nix";
    "users.groups" = set "config/users-groups.nix" (sub {
      gid = withDefault "config/users-groups.nix" (t.nullOr t.int) null;
    });
    "users.mutableUsers" = on "config/users-groups.nix";
    "users.users" = set "config/users-groups.nix" (named "name" user);

    "virtualisation.podman.autoPrune.enable" = flag "virtualisation/podman/default.nix";
    "virtualisation.podman.enable" = flag "virtualisation/podman/default.nix";
    "zramSwap.enable" = flag "config/zram.nix";

    # what impermanence's own module sets and ours do not
    "boot.initrd.postMountCommands" = text "system/boot/stage-1.nix";
    "boot.initrd.systemd.mounts" = list "system/boot/systemd/initrd.nix" t.attrs;
    "boot.initrd.systemd.suppressedUnits" = list "system/boot/systemd/initrd.nix" t.str;
    "systemd.mounts" = list systemd t.attrs;

    # of the installer and of virtual machines alone
    "isoImage.contents" = list "installer/cd-dvd/iso-image.nix" t.attrs;
    "services.getty.helpLine" = text "services/ttys/getty.nix";
    "virtualisation.emptyDiskImages" = list "virtualisation/qemu-vm.nix" t.int;
    "virtualisation.fileSystems" = set "virtualisation/qemu-vm.nix" t.attrs;
    "virtualisation.forwardPorts" = list "virtualisation/qemu-vm.nix" t.attrs;
    "virtualisation.graphics" = on "virtualisation/qemu-vm.nix";
    "virtualisation.memorySize" = withDefault "virtualisation/qemu-vm.nix" t.int 1024;
  };
  disko = {
    "disko.devices" = any "module.nix";
    "disko.enableConfig" = on "module.nix";
  };
  impermanence = {
    "environment.persistence" = set "nixos.nix" (sub persistence);
  };
}
