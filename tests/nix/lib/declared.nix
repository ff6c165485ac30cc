# Does the file that an entry of options.nix names really declare that option? Asked of copies of the inputs, file by file, as modules: each is called
# with nothing but lib, so only what stands under its `options` is looked at.
#   references   folder with nixpkgs.lib, disko, impermanence; and nixpkgs (a whole tree, or some files at their place), if there is one
{ references }:
let
  h = import ./flake.nix { inherit references; };
  inherit (h) lib;
  folders = {
    nixpkgs = "${references}/nixpkgs/nixos/modules";
    disko = "${references}/disko";
    impermanence = "${references}/impermanence";
  };
  unwanted = throw "of no use here";
  optionsOf =
    file:
    let
      module = import (/. + file);
      wanted = builtins.functionArgs module;
      given = {
        inherit lib;
        config = { };
        options = { };
        pkgs = { };
        utils = { };
        modulesPath = dirOf file;
      };
      value = if builtins.isFunction module then module (given // lib.mapAttrs (name: _: given.${name} or unwanted) wanted) else module;
    in
    value.options or { };
  declares =
    file: name:
    let
      found = builtins.tryEval (
        let
          option = lib.foldl' (at: key: if builtins.isAttrs at then at.${key} or null else null) (optionsOf file) (lib.splitString "." name);
        in
        builtins.isAttrs option && option._type or null == "option"
      );
    in
    found.success && found.value;
  entries = lib.concatLists (
    lib.attrValues (
      lib.mapAttrs (
        input: options:
        map (name: {
          inherit name;
          file = options.${name};
          at = "${folders.${input}}/${options.${name}}";
        }) (lib.attrNames options)
      ) h.declared
    )
  );
  there = lib.filter (e: builtins.pathExists (/. + e.at)) entries;
in
{
  checked = map (e: e.name) there;
  wrong = map (e: "${e.name} is not declared in ${e.file}") (lib.filter (e: !declares e.at e.name) there);
  unseen = map (e: e.name) (lib.filter (e: !builtins.pathExists (/. + e.at)) entries);
}
