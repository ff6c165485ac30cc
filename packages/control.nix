# Programs, browser interface, units: the tree that the .deb holds, too (packages/tree.ts), with Node from nixpkgs.
{
  runCommand,
  nodejs_24,
  npm,
  programs,
  ui,
  version,
}:
let
  src = import ./source.nix [
    "package.json"
    "package-lock.json"
    "LICENSE"
    "control/systemd"
    "ota/systemd"
    "docs/threat-model.md"
    "docs/cli.md"
    "packages/tree.ts"
    "packages/debian/src/closure.ts"
    "packages/debian/deb"
  ];
in
runCommand "dplaneos-${version}"
  {
    pname = "dplaneos";
    inherit version;
    meta = {
      description = "Control plane for a ZFS NAS";
      mainProgram = "dplane";
      platforms = [
        "x86_64-linux"
        "aarch64-linux"
      ];
    };
  }
  ''
    ${nodejs_24}/bin/node ${src}/packages/tree.ts --out $out --home $out/lib/dplaneos \
      --modules ${npm "runtime"} --programs ${programs} --ui ${ui} --node ${nodejs_24}/bin/node
  ''
