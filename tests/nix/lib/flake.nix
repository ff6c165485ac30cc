# The flake's outputs, evaluated with stand-ins for its inputs (or with what is at hand of them).
#   references   folder that may hold nixpkgs.lib, disko, impermanence; or null: with none of them
#   inputs       the inputs' own modules, too, not only nixpkgs' lib
{
  references ? null,
  inputs ? false,
}:
let
  at = name: if references == null then null else let path = /. + "${references}/${name}"; in if builtins.pathExists path then path else null;
  lib = if at "nixpkgs.lib" == null then import ./minilib.nix else import ((at "nixpkgs.lib") + "/lib");
  options = import ./options.nix { inherit lib; };
  pkgsFor = system: import ./stub-pkgs.nix { inherit lib; arch = builtins.replaceStrings [ "-linux" ] [ "" ] system; };
  real = if inputs then { impermanence = (at "impermanence") + "/nixos.nix"; } else { };
  nixosSystem = import ./system.nix { inherit lib options pkgsFor real; };
  empty = { };
  self = (import ../../../flake.nix).outputs {
    self = self // { lastModified = 1767225600; };
    nixpkgs = {
      lib = lib // { inherit nixosSystem; };
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] pkgsFor;
    };
    disko.nixosModules.disko = empty;
    impermanence.nixosModules.impermanence = empty;
  };
in
{
  inherit lib options self nixosSystem;
  flake = self;
  pkgs = pkgsFor "x86_64-linux";
  # every option with the input and the file that declares it
  declared = lib.mapAttrs (_: lib.mapAttrs (_: o: o.file)) options;
}
