# A system as small as can be: a package that differs from one to the next, one that does not, a switch-to-configuration that writes down what it
# was asked (and fails where it is told to) and calls the hook as NixOS does, and, in place of systemd's, a systemd-run that runs what it is given.
#   hook   dplane-ota, with the pretended boot partition below /run/box
{
  number,
  zfs,
  hook,
}:
let
  build =
    name: script:
    derivation {
      inherit name;
      system = builtins.currentSystem;
      builder = "/bin/bash";
      args = [ "-euc" "export PATH=/usr/bin:/bin\n${script}\nexit 0" ];
    };
  package = build "zfs-user-${zfs}" "echo ${zfs} > $out";
  same = build "samba-4.22.6" "echo same > $out";
  kernel = build "linux-6.12.70" "echo kernel > $out";
  only = build "only-${number}" "head -c 100000 /dev/zero > $out";
in
build "nixos-system-nas-26.05.${number}" ''
  mkdir -p $out/bin $out/sw/bin $out/etc/dplaneos
  echo 26.05.${number} > $out/nixos-version
  ln -s ${package} ${same} ${only} $out/sw/
  echo '{"product":"dplaneos","version":"0.1.0","index":${number},"arch":"x86_64","kernel":"6.12.70","zfs":"${zfs}"}' > $out/etc/dplaneos/system.json
  cat > $out/boot.json <<END
  { "org.nixos.bootspec.v1": { "system": "x86_64-linux", "kernel": "${kernel}", "kernelParams": [ "quiet" ], "label": "NixOS 26.05.${number}",
    "initrd": "${kernel}", "init": "$out/init", "toplevel": "$out" } }
  END
  cat > $out/bin/switch-to-configuration <<END
  #!/bin/bash
  [ ! -e /run/full ] || { echo "the boot partition lacks 12 MB" >&2; exit 1; }
  echo "\$0 \$*" >> /run/switched
  DPLANE_OTA_ROOT=/run/box exec ${hook} nixos-hook $out
  END
  cat > $out/sw/bin/systemd-run <<'END'
  #!/bin/bash
  while [[ ''${1-} == -* ]]; do shift; done
  exec "$@"
  END
  chmod +x $out/bin/switch-to-configuration $out/sw/bin/systemd-run
  sed -i 's/^  //' $out/bin/switch-to-configuration $out/sw/bin/systemd-run
''
