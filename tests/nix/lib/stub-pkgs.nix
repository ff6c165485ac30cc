# Stands in for nixpkgs' packages: each is a value with a path, none can be built. An attribute that is not named here is an error, as a misspelt
# one would be in nixpkgs.
#   arch   x86_64 or aarch64
{
  lib,
  arch ? "x86_64",
}:
let
  system = "${arch}-linux";
  mk =
    name: extra:
    {
      type = "derivation";
      inherit name system;
      pname = name;
      version = "0";
      outPath = "/stub/${name}";
      drvPath = "/stub/${name}.drv";
      outputName = "out";
      meta.mainProgram = name;
    }
    // extra;
  # what a script or text says can be looked at
  text = name: content: mk name { text = content; };
  plain = lib.genAttrs [
    "acl"
    "bash"
    "cacert"
    "closureInfo"
    "coreutils"
    "dosfstools"
    "e2fsprogs"
    "fakeroot"
    "gawk"
    "gnugrep"
    "gnused"
    "gptfdisk"
    "iproute2"
    "libfaketime"
    "mtools"
    "iproute2"
    "nfs-utils"
    "nix"
    "nixfmt-rfc-style"
    "nixfmt-tree"
    "nodejs_24"
    "openssh"
    "openssl"
    "qemu"
    "samba"
    "smartmontools"
    "systemd"
    "util-linux"
    "zstd"
  ] (name: mk name { }) // {
    samba4 = mk "samba4" { override = options: mk "samba4-${lib.concatStringsSep "-" (lib.attrNames options)}" { }; };
  };
  zfs =
    version: fits:
    mk "zfs-${version}" {
      inherit version;
      kernelModuleAttribute = "zfs_${lib.replaceStrings [ "." ] [ "_" ] (lib.versions.majorMinor version)}";
      inherit fits;
    };
  zfs_2_3 = zfs "2.3.7" "7.0";
  zfs_2_4 = zfs "2.4.1" "7.1";
  zfs_2_2 = zfs "2.2.9" "6.15";
  kernel =
    version:
    let
      moduleFor = z: mk "zfs-kernel" { inherit (z) version; meta.broken = lib.versionAtLeast version z.fits; };
    in
    {
      kernel = mk "linux-${version}" { inherit version; modDirVersion = version; };
      zfs_2_2 = moduleFor zfs_2_2;
      zfs_2_3 = moduleFor zfs_2_3;
      zfs_2_4 = moduleFor zfs_2_4;
    };
  pkgs = plain // {
    OVMF.fd = mk "OVMF-fd" { };
    inherit lib zfs_2_2 zfs_2_3 zfs_2_4;
    linuxKernel.packages = {
      linux_6_12 = kernel "6.12.70";
      linux_6_18 = kernel "6.18.12";
      # newer than any OpenZFS here knows
      linux_7_9 = kernel "7.9.1";
    };
    stdenv.hostPlatform = {
      inherit system;
      parsed.cpu.name = arch;
      isAarch64 = arch == "aarch64";
    };
    closureInfo = _: mk "closure-info" { };
    stdenvNoCC = {
      inherit (pkgs.stdenv) hostPlatform;
      mkDerivation = a: mk a.name { text = a.buildCommand; inherit (a) outputHash; };
    };
    mkShell = _: mk "shell" { };
    runCommand = name: a: script: mk name ({ text = script; } // (a.passthru or { }) // removeAttrs a [ "passthru" "nativeBuildInputs" ]);
    writeText = text;
    writeShellScript = text;
    writeShellScriptBin = text;
    testers.runNixOSTest = test: mk "vm-test-${test.name}" { inherit test; };
    # as nixpkgs does: from its own attributes what is not given, and nothing that neither has
    callPackage =
      file: given:
      let
        f = import file;
        wanted = builtins.functionArgs f;
        of = n: isOptional: given.${n} or (pkgs.${n} or (throw "${toString file} wants `${n}', which is no package"));
      in
      f (lib.mapAttrs of (lib.filterAttrs (n: isOptional: !isOptional || given ? ${n}) wanted));
  };
in
pkgs
