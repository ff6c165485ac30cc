# Image and update, signed, in a folder: `nix run .#release -- FOLDER --key FILE`.
{
  runCommand,
  bash,
  coreutils,
  lib,
  image,
  bundle,
  ota,
}:
runCommand "dplaneos-release" { meta.mainProgram = "dplaneos-release"; } ''
  mkdir -p $out/bin
  {
    echo '#!${bash}/bin/bash'
    echo 'PATH=${
      lib.makeBinPath [
        coreutils
        ota
      ]
    }'
    echo 'IMAGE=${image}'
    echo 'BUNDLE=${bundle}'
    echo 'BUNDLE_NAME=dplaneos-${image.version}-${image.system}.bundle'
    tail -n +2 ${./release.sh}
  } > $out/bin/dplaneos-release
  chmod +x $out/bin/dplaneos-release
''
