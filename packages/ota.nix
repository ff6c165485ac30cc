# The updater alone, for machines that make, sign or verify updates: `nix run .#ota -- verify FILE.bundle`.
{ runCommand, control }:
runCommand "dplane-ota-${control.version}"
  {
    inherit (control) version;
    meta.mainProgram = "dplane-ota";
  }
  ''
    mkdir -p $out/bin
    ln -s ${control}/bin/dplane-ota $out/bin/dplane-ota
  ''
