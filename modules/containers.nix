# Containers: podman, which needs no daemon. Images lie on /persist until a pool is named for them.
{ config, lib, ... }:
let
  cfg = config.services.dplaneos;
in
{
  options.services.dplaneos.containers.enable = lib.mkEnableOption "containers (podman)" // {
    default = true;
  };

  config = lib.mkIf (cfg.enable && cfg.containers.enable) {
    virtualisation.podman.enable = true;
    # its bridge brings rules of its own
    virtualisation.podman.autoPrune.enable = true;
  };
}
