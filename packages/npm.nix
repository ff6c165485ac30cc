# npm packages as the lock file has them: a fixed-output derivation, because the lock file names no download address (and neither does anything
# else here). npm takes them from the registry of whoever builds; what comes out has to have the hash that packages/npm-hashes.json says.
# `npm run nix:hashes` writes that file, and every `npm test` compares it with the lock file and with node_modules (tests/nix/npm.test.ts).
{
  lib,
  stdenvNoCC,
  nodejs_24,
  cacert,
}:
let
  hashes = builtins.fromJSON (builtins.readFile ./npm-hashes.json);
  system = stdenvNoCC.hostPlatform.system;
  src = import ./source.nix [
    "package.json"
    "package-lock.json"
    "control/package.json"
    "ui/package.json"
    "ota/package.json"
    "tests/package.json"
    "packages/npm-tree.ts"
    "packages/debian/src/closure.ts"
  ];
in
# "runtime" or "build"
kind:
let
  recorded = hashes.${kind};
in
stdenvNoCC.mkDerivation {
  # with the digest of the lock file's part: a hash of other packages is never taken for this one's
  name = "dplaneos-npm-${kind}-${builtins.substring 0 12 recorded.lock}";
  nativeBuildInputs = [
    nodejs_24
    cacert
  ];
  impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [ "npm_config_registry" ];
  outputHashMode = "recursive";
  outputHashAlgo = "sha256";
  outputHash =
    recorded.${system} or (throw "D-PlaneOS: packages/npm-hashes.json has no hash for ${system}: it is built for x86_64-linux and aarch64-linux.");
  buildCommand = ''
    cp -r ${src}/. .
    chmod -R u+w .
    export HOME=$TMPDIR
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    node packages/npm-tree.ts ${kind} . $out
  '';
}
