# The root is gone with the power. What survives is in packages/persist.list, which the Debian image reads, too; what only NixOS has is added here.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.dplaneos;
  perMachine = cfg.storage.hostIdPerMachine;

  lines = lib.filter (line: line != "" && !lib.hasPrefix "#" line) (lib.splitString "\n" (builtins.readFile cfg.persist.list));
  parse =
    line:
    let
      parts = builtins.match "([df]) (/[A-Za-z0-9_./-]+)" line;
    in
    if parts == null then
      throw "D-PlaneOS: ${toString cfg.persist.list} has a line that is not understood: ${builtins.toJSON line}. A line is `d /a/folder` or `f /a/file`."
    else
      {
        kind = builtins.elemAt parts 0;
        path = builtins.elemAt parts 1;
      };
  entries = map parse lines;
  ofKind = kind: map (e: e.path) (lib.filter (e: e.kind == kind) entries);
  # a machine that has its own in its configuration needs no file for it
  files = lib.filter (path: path != "/etc/hostid" || perMachine) (ofKind "f");

  # Without one of these a restart loses what nobody can make again, or a pool is taken for gone.
  needed =
    [
      "/etc/machine-id"
      "/etc/ssh/host-keys"
      "/var/lib/dplane"
      "/var/lib/dplane-exec"
      "/var/lib/dplane-pools"
      "/var/lib/samba"
      "/var/lib/nfs"
      "/etc/samba/dplaneos"
      "/etc/exports.d"
      "/etc/userdb"
    ]
    ++ lib.optional perMachine "/etc/hostid";
  missing = lib.filter (path: !lib.elem path (map (e: e.path) entries)) needed;

  owned = {
    "/var/lib/dplane" = {
      user = "dplane";
      group = "dplane";
      mode = "0700";
    };
    "/var/lib/dplane-exec".mode = "0700";
  };
in
{
  options.services.dplaneos.persist = {
    list = lib.mkOption {
      type = lib.types.path;
      default = ../packages/persist.list;
      description = "What survives a restart, one path a line: `d /a/folder` or `f /a/file`.";
    };
    extra = lib.mkOption {
      type = lib.types.listOf lib.types.path;
      default = [ ];
      example = [ "/var/lib/tailscale" ];
      description = "Folders to keep besides, of services that you add.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = missing == [ ];
        message = "D-PlaneOS: ${toString cfg.persist.list} does not keep ${lib.concatStringsSep ", " missing}. With the root thrown away at every start, that would be lost. Put it back into the list; folders of your own go to services.dplaneos.persist.extra.";
      }
    ];

    # NFS 4 clients walk from here to what is exported. A tmpfs can be exported; what has no device of its own gets its identity from nfs-utils, made
    # of the path and so the same after each start.
    fileSystems."/" = {
      device = "none";
      fsType = "tmpfs";
      options = [
        "mode=755"
        "size=50%"
      ];
    };
    fileSystems."/persist" = {
      device = "/dev/disk/by-partlabel/${(import ../disko/table.nix).persist.label}";
      fsType = "ext4";
      options = [ "noatime" ];
      neededForBoot = true;
    };

    environment.persistence."/persist" = {
      hideMounts = true;
      directories =
        map (directory: { inherit directory; } // (owned.${directory} or { })) (ofKind "d")
        ++ [
          # numbers of users and groups that NixOS gave out
          "/var/lib/nixos"
          {
            directory = "/var/lib/containers";
            mode = "0700";
          }
        ]
        ++ cfg.persist.extra;
      inherit files;
    };

    # records of updates: readable by everybody, written by root
    systemd.tmpfiles.rules = [ "d /persist/ota 0755 root root -" ];

    system.activationScripts = lib.mkIf perMachine {
      dplaneos-hostid = {
        deps = [ "createPersistentStorageDirs" ];
        text = ''
          if [ ! -s /persist/etc/hostid ]; then
            ${pkgs.coreutils}/bin/head -c 4 /dev/urandom > /persist/etc/hostid.new
            ${pkgs.coreutils}/bin/sync /persist/etc/hostid.new
            mv /persist/etc/hostid.new /persist/etc/hostid
          fi
        '';
      };
      persist-files.deps = [ "dplaneos-hostid" ];
    };
  };
}
