# What NixOS makes of a configuration, as far as generations, boot entries and starts are concerned, out of the machine's own Debian: a system with
# kernel, initrd, `init`, boot.json and a switch-to-configuration that does what `boot.loader.external` does. Built by Nix inside the machine, offline.
#   number   which one it is; what differs from the others is named by it
#   parts    folder with vmlinuz and initrd
#   params   of the kernel
#   broken   its control plane does not start
{
  number,
  parts,
  params,
  broken ? "",
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
  kernel = build "linux" "cp ${parts}/vmlinuz $out";
  initrd = build "initrd" "cp ${parts}/initrd $out";
  # the control plane that was there when the system was built: each system brings its own
  home = build "dplaneos" "cp -a /usr/lib/dplaneos $out";
  # Nix with the libraries that the machine has only until its next start
  nix = build "nix-2" ''
    mkdir -p $out/bin $out/lib
    cp /usr/bin/nix $out/lib/nix
    ldd /usr/bin/nix | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | grep -Ev '/(libc|libm|ld-linux[^/]*)\.so' | xargs cp -Lt $out/lib
    for name in nix nix-build nix-env nix-store nix-daemon nix-collect-garbage; do
      printf '#!/bin/bash\nexport LD_LIBRARY_PATH=%s/lib\nexec -a %s %s/lib/nix "$@"\n' $out $name $out > $out/bin/$name
      chmod +x $out/bin/$name
    done
  '';
  units = build "nix-daemon-units" ''
    mkdir $out
    printf '[Unit]\nConditionPathIsReadWrite=/nix/var/nix/daemon-socket\n[Socket]\nListenStream=/nix/var/nix/daemon-socket/socket\n' > $out/nix-daemon.socket
    printf '[Service]\nExecStart=${nix}/bin/nix-daemon --daemon\nKillMode=process\n' > $out/nix-daemon.service
  '';
  package = build "zfs-user-2.3.${number}" "echo ${number} > $out";
  same = build "samba-4.22.6" "echo same > $out";
  only = build "only-in-${number}" "head -c 100000 /dev/zero > $out";
in
build "nixos-system-nas-26.05.${number}" ''
  mkdir -p $out/bin $out/sw/bin $out/etc/dplaneos
  echo 26.05.${number} > $out/nixos-version
  cp /usr/lib/dplaneos/system.json $out/etc/dplaneos/system.json
  ln -s ${package} ${same} ${only} $out/sw/
  ln -s ${nix}/bin/* $out/sw/bin/
  cat > $out/boot.json <<END
  { "org.nixos.bootspec.v1": { "system": "${builtins.currentSystem}", "kernel": "${kernel}", "kernelParams": [ "${builtins.concatStringsSep "\", \"" params}" ],
    "label": "NixOS 26.05.${number}", "initrd": "${initrd}", "init": "$out/init", "toplevel": "$out" } }
  END
  cat > $out/init <<END
  #!/bin/sh
  mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
  ln -s $out /run/current-system
  ln -s $out /run/booted-system
  ln -sfn /run/current-system /nix/var/nix/gcroots/current-system
  ln -sfn /run/booted-system /nix/var/nix/gcroots/booted-system
  mount --bind ${home} /usr/lib/dplaneos
  mkdir -p /nix/var/nix/daemon-socket /run/systemd/system/sockets.target.wants
  ln -s ${units}/nix-daemon.service ${units}/nix-daemon.socket /run/systemd/system/
  ln -s ../nix-daemon.socket /run/systemd/system/sockets.target.wants/
  [ -z "${broken}" ] || ln -s /dev/null /run/systemd/system/dplaned.service
  exec /sbin/init
  END
  cat > $out/bin/switch-to-configuration <<END
  #!/bin/bash
  [ "\$1" = boot ] || { echo "only boot is asked for here, not \$1" >&2; exit 1; }
  # where the test stops it
  [ ! -p /persist/hold ] || read -r _ < /persist/hold
  exec /usr/bin/dplane-ota nixos-hook $out
  END
  chmod +x $out/init $out/bin/switch-to-configuration
''
