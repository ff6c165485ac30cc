# The whole appliance: a machine that is D-PlaneOS and nothing else, on the disk of disko/ab.nix.
{ lib, ... }:
{
  imports = [
    ./default.nix
    ./slots.nix
    ./persist.nix
    ./access.nix
    ./network.nix
    ./containers.nix
    ./upkeep.nix
  ];

  services.dplaneos.enable = lib.mkDefault true;
}
