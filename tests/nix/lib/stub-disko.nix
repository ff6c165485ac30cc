{ lib }:
let
  mk = name: {
    type = "derivation";
    inherit name;
    outPath = "/usr";
    drvPath = "/stub/${name}.drv";
  };
in
lib.genAttrs [ "parted" "udev" "systemdMinimal" "jq" "findutils" "bashInteractive" ] mk
// {
  writers.makeScriptWriter = _: name: text: mk name // { text = "#!/usr/bin/env bash\n${text}"; };
}
