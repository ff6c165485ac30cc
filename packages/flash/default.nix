# Writes the image to a disk; in the installer and as `nix run .#flash`.
{
  runCommand,
  bash,
  coreutils,
  util-linux,
  zstd,
  gnugrep,
  gnused,
  openssl,
  lib,
}:
runCommand "dplaneos-flash" { meta.mainProgram = "dplaneos-flash"; } ''
  mkdir -p $out/bin
  {
    echo '#!${bash}/bin/bash'
    echo 'PATH=${
      lib.makeBinPath [
        coreutils
        util-linux
        zstd
        gnugrep
        gnused
        openssl
      ]
    }'
    tail -n +2 ${./flash.sh}
  } > $out/bin/dplaneos-flash
  chmod +x $out/bin/dplaneos-flash
''
