# Types that refuse nonsense, with words that say what to write instead.
{ lib }:
let
  byIdPattern = "/dev/disk/by-id/[A-Za-z0-9][A-Za-z0-9_.:+@=-]*";
in
rec {
  isById = path: builtins.isString path && builtins.match byIdPattern path != null;

  # /dev/sda is another disk after the next start: never the name of what a pool is made of, or of what is formatted.
  assertById =
    what: path:
    if isById path then
      path
    else
      throw "D-PlaneOS: ${what} is ${builtins.toJSON path}, but such a name can mean another disk after a restart. Use the name in /dev/disk/by-id, as `ls -l /dev/disk/by-id` shows it.";

  # A string of any kind, so that what is refused is refused with the words above.
  diskById =
    what:
    lib.mkOptionType {
      name = "diskById";
      description = "path of a disk in /dev/disk/by-id";
      check = builtins.isString;
      merge = loc: defs: assertById what (lib.mergeEqualOption loc defs);
    };

  sshKey = lib.types.strMatching "(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh.com|sk-ecdsa-sha2-nistp256@openssh.com) [A-Za-z0-9+/=]+( [^\n]*)?";
}
