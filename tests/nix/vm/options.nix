# The list that the offline tests hold our modules to (tests/nix/lib/options.nix), held to the pinned nixpkgs itself: every option exists, and is declared
# by the file that the list names. Nothing is built; what is wrong is an error of evaluation.
#   systems   evaluated ones that together have all of them: the appliance, one in a VM, the installer
{
  pkgs,
  lib,
  systems,
  declared ? lib.mapAttrs (_: lib.mapAttrs (_: option: option.file)) (import ../lib/options.nix { inherit lib; }),
}:
let
  folders = {
    nixpkgs = "/nixos/modules/";
    disko = "/";
    impermanence = "/";
  };
  inSystem =
    name: system:
    let
      found = lib.foldl' (at: key: if builtins.isAttrs at then at.${key} or null else null) system.options (lib.splitString "." name);
    in
    if builtins.isAttrs found && found._type or null == "option" then [ found ] else [ ];
  why =
    input: name: file:
    let
      found = lib.concatMap (inSystem name) systems;
      places = map toString (lib.concatMap (o: o.declarations or [ ]) found);
    in
    if found == [ ] then
      [ "${name} does not exist" ]
    else if places == [ ] || lib.any (lib.hasSuffix "${folders.${input}}${file}") places then
      [ ]
    else
      [ "${name} is declared in ${lib.concatStringsSep ", " places}, not in ${file}" ];
  wrong = lib.concatLists (lib.concatLists (lib.attrValues (lib.mapAttrs (input: files: lib.attrValues (lib.mapAttrs (why input) files)) declared)));
in
if wrong == [ ] then
  pkgs.runCommand "dplaneos-options-exist" { } "touch $out"
else
  throw "D-PlaneOS: tests/nix/lib/options.nix is not true of this nixpkgs:\n${lib.concatMapStringsSep "\n" (w: "- ${w}") wrong}"
