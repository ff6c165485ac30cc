# Real derivations, made by the machine's own bash and tools: enough to build what our packages/*.nix say, where there is no nixpkgs.
#   node   a Node 24
#   npm    folder with the node_modules that build and run
{ node, npm }:
rec {
  lib = import ./minilib.nix;

  # Bash would turn itself into the last command. Commands close their output before they end, which Nix takes for the end, and kills.
  end = "exit 0";

  runCommand =
    name: attrs: script:
    derivation {
      inherit name;
      system = builtins.currentSystem;
      builder = "/bin/bash";
      args = [
        "-euc"
        ''
          export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin TMPDIR="$NIX_BUILD_TOP"
          cd "$NIX_BUILD_TOP"
          PATH=${nodejs_24}/bin:$PATH
          ${script}
          ${end}
        ''
      ];
    }
    // (attrs.passthru or { })
    // builtins.removeAttrs attrs [ "passthru" "nativeBuildInputs" ];
  bare =
    name: extra: script:
    derivation (
      extra
      // {
        inherit name;
        system = builtins.currentSystem;
        builder = "/bin/bash";
        args = [ "-euc" "export PATH=/usr/bin:/bin\n${script}\n${end}" ];
      }
    );

  nodejs_24 = bare "node" { } "mkdir -p $out/bin; ln -s ${node} $out/bin/node";
  # of the machine, found in PATH
  coreutils = "/usr";
  dosfstools = null;
  e2fsprogs = null;
  fakeroot = null;
  gptfdisk = null;
  libfaketime = null;
  mtools = null;
  zstd = null;
  bash = "";
  stdenv.hostPlatform = {
    system = builtins.currentSystem;
    isAarch64 = builtins.currentSystem == "aarch64-linux";
  };

  # the paths that a path needs, with their size, as nixpkgs' closureInfo gives them
  closureInfo =
    { rootPaths }:
    bare "closure-info" { exportReferencesGraph = lib.concatMap (p: [ "graph-${baseNameOf p}" p ]) rootPaths; } ''
      mkdir $out
      cat graph-* > $out/registration
      grep -x "$NIX_STORE/[^ ]*" $out/registration | sort -u > $out/store-paths
      xargs -a $out/store-paths du -sbc | tail -n 1 | cut -f 1 > $out/total-nar-size
    '';

  # A system as small as can be: what packages/slot.nix looks at, and nothing that runs.
  system =
    { filler ? 1 }:
    rec {
      config = {
        services.dplaneos.release.version = "0.1.0";
        boot.zfs.package = bare "zfs" { } ''
          mkdir -p $out/share/zfs/compatibility.d
          printf '# features of this release\nasync_destroy\nzstd_compress\n' > $out/share/zfs/compatibility.d/openzfs-2.3-linux
        '' // { version = "2.3.7"; };
        system.build.toplevel = bare "nixos-system" { } ''
          mkdir -p $out/etc/dplaneos
          ln -s ${bare "used" { } "head -c ${toString filler}M /dev/zero | tr '\\0' x > $out"} $out/used
          echo kernel > $out/kernel
          echo initrd > $out/initrd
          echo 'panic=5 quiet' > $out/kernel-params
          echo '#!/bin/sh' > $out/init
          echo '{"product":"dplaneos","version":"0.1.0","index":1767225600,"arch":"x86_64","kernel":"6.12.70","zfs":"2.3.7"}' > $out/etc/dplaneos/system.json
        '';
      };
    };

  systemd = bare "systemd" { } ''
    mkdir -p $out/lib/systemd/boot/efi
    echo loader > $out/lib/systemd/boot/efi/systemd-bootx64.efi
    echo loader > $out/lib/systemd/boot/efi/systemd-bootaa64.efi
  '';
  callPackage =
    file: given:
    let
      f = import file;
      here = { inherit lib runCommand nodejs_24 coreutils dosfstools e2fsprogs fakeroot gptfdisk libfaketime mtools zstd stdenv closureInfo systemd bash; };
    in
    f (builtins.intersectAttrs (builtins.functionArgs f) (here // given));

  programs = callPackage ../../../packages/programs.nix { npm = _: npm; };
  control = callPackage ../../../packages/control.nix {
    inherit programs;
    npm = _: npm;
    ui = bare "ui" { } "mkdir $out; echo '<!doctype html>' > $out/index.html";
    version = "0.1.0";
  };
  release = callPackage ../../../packages/release { inherit image bundle ota; };
  ota = callPackage ../../../packages/ota.nix { inherit control; };
  slot = { filler ? 1, slotMiB ? 1024 }: callPackage ../../../packages/slot.nix { system = system { inherit filler; }; inherit slotMiB; };
  image = callPackage ../../../packages/image.nix {
    npm = _: npm;
    slot = slot { };
    persistMiB = 64;
    table = builtins.mapAttrs (name: p: p // { mib = { esp = 64; persist = null; }.${name} or 224; }) (import ../../../disko/table.nix);
  };
  bundle = callPackage ../../../packages/bundle.nix {
    inherit ota;
    image = slot { };
    created = 1767225600;
  };
}
