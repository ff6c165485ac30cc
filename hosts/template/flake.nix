# A NAS of one's own. Put in where you have D-PlaneOS from. Build and take it into the running slot, under the same verdict as an update: nixos-rebuild boot --flake .#nas
{
  inputs.dplaneos.url = "git+https://git.example/dplaneos";
  outputs =
    { dplaneos, ... }:
    {
      nixosConfigurations = dplaneos.lib.hosts { nas = ./nas.nix; };
    };
}
