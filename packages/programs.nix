# Daemon, executor, gate, command line, updater: packed (packages/programs.ts).
{
  runCommand,
  nodejs_24,
  npm,
}:
runCommand "dplaneos-programs" { nativeBuildInputs = [ nodejs_24 ]; } ''
  cp -r ${
    import ./source.nix [
      "package.json"
      "control/package.json"
      "control/src"
      "ota/package.json"
      "ota/src"
      "packages/programs.ts"
      "packages/debian/src/closure.ts"
    ]
  }/. .
  chmod -R u+w .
  ln -s ${npm "build"}/node_modules node_modules
  node packages/programs.ts $out
''
