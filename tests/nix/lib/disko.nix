# disko's own scripts for disko/ab.nix, from a copy of disko: what `nix run disko` would run, with the machine's tools.
{
  references,
  device,
  root,
  systemMiB,
  persistMiB ? null,
}:
let
  lib = import (/. + "${references}/nixpkgs.lib/lib");
  pkgs = import ./stub-pkgs.nix { inherit lib; } // {
    # what disko names and does not have to be there: programs are found in PATH
    inherit (import ./stub-disko.nix { inherit lib; }) parted udev systemdMinimal jq findutils writers bashInteractive;
    coreutils-full = "/usr";
  };
  disko = import (/. + "${references}/disko/lib") {
    inherit lib;
    rootMountPoint = root;
    makeTest = null;
    eval-config = null;
    qemu-common = null;
  };
  layout = import ../../../disko/ab.nix { inherit device systemMiB persistMiB; espMiB = 512; };
  evaluated = lib.evalModules {
    modules = [
      { options.disko.devices = lib.mkOption { type = disko.toplevel; }; }
      layout
    ];
  };
  devices = evaluated.config.disko.devices;
  scripts = devices._scripts { inherit pkgs; checked = false; };
in
{
  partitions = lib.mapAttrs (_: p: { inherit (p) label type size; }) devices.disk.system.content.partitions;
  format = scripts.format.text;
  mount = scripts.mount.text;
}
