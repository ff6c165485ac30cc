# The units of the Nix package are the repository's, byte for byte, which are those of the .deb.
{ pkgs, packages }:
pkgs.runCommand "dplaneos-units-are-equal" { } ''
  for unit in ${../../../control/systemd}/*.service ${../../../control/systemd}/*.socket ${../../../ota/systemd}/*.service ${../../../packages/debian/deb/units}/*.service; do
    cmp $unit ${packages.control}/lib/systemd/system/$(basename $unit)
  done
  touch $out
''
