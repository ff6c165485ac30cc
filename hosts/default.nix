# Machines, by name. Each is its choice of modules; this makes systems of them, and looks at what no machine can see alone.
#   system   makes a system of a list of modules (nixpkgs.lib.nixosSystem)
#   modules  what every one of them gets
{
  lib,
  system,
  modules ? [ ],
}:
hosts:
let
  systems = lib.mapAttrs (
    name: host:
    system {
      modules = modules ++ [
        { networking.hostName = lib.mkDefault name; }
        host
      ];
    }
  ) hosts;
  # those that make an id of their own can't be alike
  declared = lib.filterAttrs (_: s: !s.config.services.dplaneos.storage.hostIdPerMachine) systems;
  idOf = s: s.config.networking.hostId;
  names = lib.attrNames declared;
  twinOf = name: lib.filter (other: other != name && idOf declared.${other} == idOf declared.${name} && idOf declared.${name} != null) names;
  twins = lib.filter (name: twinOf name != [ ]) names;
in
if twins != [ ] then
  throw "D-PlaneOS: ${lib.concatStringsSep " and " twins} have the same networking.hostId, ${idOf declared.${lib.head twins}}. ZFS could not tell which of them used a pool last, and both might write to it. Give each its own: head -c4 /dev/urandom | od -A none -t x4"
else
  systems
