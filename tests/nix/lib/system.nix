# `nixosSystem` without nixpkgs: our modules, over the declared options alone. As in NixOS, what fails an assertion has no toplevel.
{
  lib,
  options,
  pkgsFor,
  # modules of other inputs, in place of the options that stand in for them
  real ? { },
}:
{
  modules,
  specialArgs ? { },
}:
let
  declared = options.nixpkgs // (if real ? disko then { } else options.disko) // (if real ? impermanence then { } else options.impermanence);
  nest =
    path: option:
    lib.foldl' (inner: name: { ${name} = inner; }) (lib.mkOption (removeAttrs option [ "file" ])) (
      reversed (lib.splitString "." path)
    );
  inherit (builtins) removeAttrs;
  reversed = xs: lib.genList (i: lib.elemAt xs (builtins.length xs - 1 - i)) (builtins.length xs);

  utils = rec {
    pathsNeededForBoot = [ "/" "/nix" "/nix/store" "/var" "/var/log" "/var/lib" "/var/lib/nixos" "/etc" "/usr" ];
    fsNeededForBoot = fs: fs.neededForBoot || lib.elem (fs.mountPoint or "") pathsNeededForBoot;
    escapeSystemdPath = path: lib.replaceStrings [ "/" ] [ "-" ] (lib.removePrefix "/" path);
  };

  # what NixOS itself defines of what our modules read
  base =
    { config, pkgs, ... }:
    {
      boot.zfs.modulePackage = config.boot.kernelPackages.${config.boot.zfs.package.kernelModuleAttribute};
      boot.initrd.supportedFilesystems = lib.mkDefault { };
      services.samba.package = lib.mkOptionDefault pkgs.samba;
      systemd.package = pkgs.systemd;
      nix.package = pkgs.nix;
      system.build =
        let
          failed = map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
          built = name: if failed == [ ] then pkgs.writeText name "" else throw "Failed assertions:\n${lib.concatMapStringsSep "\n" (m: "- ${m}") failed}";
        in
        {
          toplevel = built "nixos-system";
          vm = built "nixos-vm";
          isoImage = built "nixos.iso";
        };
    };
  evaluated = lib.evalModules {
    class = "nixos";
    specialArgs = {
      inherit utils;
      modulesPath = ./modules-path;
    } // specialArgs;
    modules = map (path: { _file = "/input/nixos/modules/${declared.${path}.file}"; options = nest path declared.${path}; }) (lib.attrNames declared) ++ lib.attrValues real ++ [
      base
      ({ config, ... }: { _module.args.pkgs = pkgsFor (platformOf config.nixpkgs.hostPlatform); })
    ] ++ modules;
  };
  platformOf = platform: if builtins.isString platform then platform else platform.system;
in
evaluated
