# What this system says of itself: in /etc/dplaneos/system.json, where the boot loader hook finds it in a toplevel that does not run yet, and in
# /usr/lib/dplaneos, where everything else of ours looks. And whose updates it trusts.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.dplaneos;

  system = {
    product = "dplaneos";
    inherit (cfg.release) version index;
    arch = pkgs.stdenv.hostPlatform.parsed.cpu.name;
    kernel = config.boot.kernelPackages.kernel.modDirVersion;
    zfs = config.boot.zfs.package.version;
  };
  systemFile = pkgs.writeText "dplaneos-system.json" (builtins.toJSON system + "\n");

  keyFile =
    index: key:
    if builtins.match ".*PRIVATE.*" (builtins.readFile key) != null then
      throw "D-PlaneOS: services.dplaneos.release.keys has a private key (${toString key}). Everything in the Nix store can be read by everybody: give the .pem beside it, which is the public one, and make a new key."
    else
      "cp ${key} $out/keys/${toString index}.pem";
in
{
  options.services.dplaneos = {
    release = {
      version = lib.mkOption {
        type = lib.types.strMatching "[0-9A-Za-z][0-9A-Za-z.+~-]{0,63}";
        default = cfg.package.version;
        defaultText = lib.literalExpression "config.services.dplaneos.package.version";
        description = "Version this system calls itself by.";
      };
      index = lib.mkOption {
        type = lib.types.ints.positive;
        example = 1767225600;
        description = "Grows with every release; an update with a smaller one is refused. The flake sets it to the time of its last commit.";
      };
      keys = lib.mkOption {
        type = lib.types.listOf lib.types.path;
        default = [ ];
        example = lib.literalExpression "[ ./release.key.pem ]";
        description = "Public keys whose signed updates this system takes. More can be enrolled on the machine, by root (`dplane-ota enroll-key`).";
      };
      revoked = lib.mkOption {
        type = lib.types.listOf (lib.types.strMatching "[0-9a-f]{16}");
        default = [ ];
        description = "Ids of keys that are not trusted any more, wherever they are.";
      };
    };
    home = lib.mkOption {
      type = lib.types.package;
      internal = true;
      readOnly = true;
      description = "What /usr/lib/dplaneos is: the package's folder, and what this system says of itself.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.etc."dplaneos/system.json".source = systemFile;

    services.dplaneos.home = pkgs.runCommand "dplaneos-home-${cfg.release.version}" { } ''
      mkdir -p $out/keys
      ln -s ${cfg.package}/lib/dplaneos/* $out/
      cp ${systemFile} $out/system.json
      ${lib.concatStringsSep "\n" (lib.imap1 keyFile cfg.release.keys)}
      printf '%s' '${lib.concatMapStrings (id: "${id}\n") cfg.release.revoked}' > $out/keys/revoked
    '';
  };
}
