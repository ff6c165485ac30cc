# The browser interface, built.
{
  runCommand,
  nodejs_24,
  npm,
}:
runCommand "dplaneos-ui" { nativeBuildInputs = [ nodejs_24 ]; } ''
  cp -r ${
    import ./source.nix [
      "package.json"
      "ui"
      "control/src"
      "control/package.json"
    ]
  }/. .
  chmod -R u+w .
  ln -s ${npm "build"}/node_modules node_modules
  cd ui
  HOME=$TMPDIR node ../node_modules/vite/bin/vite.js build --logLevel warn --outDir $out --emptyOutDir
''
