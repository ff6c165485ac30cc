# What `nix flake check` starts, on a machine with KVM and the network's packages: NixOS in VMs, one test a behaviour.
#   nixosSystem   of nixpkgs
#   modules       what a machine of ours has
#   systems       machines of ours, evaluated: what options there are
{
  pkgs,
  nixosSystem,
  modules,
  packages,
  lib,
  systems,
}:
let
  # an update that never gets its control plane up
  failing = nixosSystem {
    modules = modules ++ [
      ../../../hosts/appliance
      (
        { lib, ... }:
        {
          nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system;
          services.dplaneos.release.index = lib.mkForce 2000000000;
          systemd.services.dplaned.enable = false;
        }
      )
    ];
  };
  update = pkgs.callPackage ../../../packages/bundle.nix {
    inherit (packages) ota;
    image = pkgs.callPackage ../../../packages/slot.nix { system = failing; };
    created = 2000000000;
  };
  test =
    file:
    pkgs.testers.runNixOSTest (
      import file {
        inherit modules packages pkgs update;
      }
    );
in
{
  boot-and-claim = test ./boot-and-claim.nix;
  update-and-revert = test ./update-and-revert.nix;
  rebuild = test ./rebuild.nix;
  units = import ./units.nix { inherit pkgs packages; };
  options = import ./options.nix { inherit pkgs lib systems; };
}
