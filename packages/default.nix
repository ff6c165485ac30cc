# All that is built for one processor.
#   host      an evaluated NixOS system: what is in the image
#   created   seconds since 1970, of the commit: index of the release and date of the bundle
{
  pkgs,
  host,
  installer,
  created,
}:
let
  version = (builtins.fromJSON (builtins.readFile ../package.json)).version;
  npm = pkgs.callPackage ./npm.nix { };
  ui = pkgs.callPackage ./ui.nix { inherit npm; };
  programs = pkgs.callPackage ./programs.nix { inherit npm; };
  control = pkgs.callPackage ./control.nix {
    inherit
      npm
      programs
      ui
      version
      ;
  };
  ota = pkgs.callPackage ./ota.nix { inherit control; };
  slot = pkgs.callPackage ./slot.nix { system = host; };
  image = pkgs.callPackage ./image.nix { inherit npm slot; };
  flash = pkgs.callPackage ./flash { };
  bundle = pkgs.callPackage ./bundle.nix {
    inherit ota created;
    image = slot;
  };
in
{
  inherit
    ui
    control
    ota
    slot
    image
    flash
    bundle
    ;
  default = control;
  # both, signed
  release = pkgs.callPackage ./release { inherit image bundle ota; };
  # writes the image to a disk that one chooses by its name
  installer = (installer { inherit image flash; }).config.system.build.isoImage;
}
