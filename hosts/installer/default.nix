# A stick that starts, shows the disks by the names that stay with them, and writes the image to the one whose name is typed.
{
  parts,
  modulesPath,
  pkgs,
  lib,
  ...
}:
{
  imports = [ (modulesPath + "/installer/cd-dvd/installation-cd-minimal.nix") ];

  isoImage.contents = [
    {
      source = parts.image;
      target = "/dplaneos";
    }
  ];
  environment.systemPackages = [
    parts.flash
    (pkgs.writeShellScriptBin "install-dplaneos" ''
      exec sudo ${parts.flash}/bin/dplaneos-flash /iso/dplaneos/*.img.zst "$@"
    '')
  ];
  services.getty.helpLine = lib.mkForce ''

    To put D-PlaneOS on a disk of this machine:  install-dplaneos
    It shows the disks, asks for the name of one, and deletes everything on that one.
  '';
}
