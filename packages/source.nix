# The files of this repository that a build needs, and no others: what it does not read does not build it anew.
paths:
let
  root = toString ../.;
  startsWith = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
  relative = path: builtins.substring (builtins.stringLength root + 1) (-1) (toString path);
  needed = name: builtins.any (p: p == name || startsWith "${p}/" name || startsWith "${name}/" p) paths;
  made = name: builtins.match "(.*/)?(node_modules|dist|artifacts)(/.*)?|.*\\.test\\.ts" name != null;
in
builtins.path {
  name = "dplaneos-source";
  path = ../.;
  filter = path: _: needed (relative path) && !made (relative path);
}
