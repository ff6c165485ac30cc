# The disk to flash: the table of disko/table.nix with slot A filled, slot B empty and a small persist that takes the rest of the disk at its
# first start. Comes with its SHA-256. Signed outside of the build, because a key is no input of one: packages/release, or `dplane-ota sign-file`.
{
  runCommand,
  dosfstools,
  e2fsprogs,
  gptfdisk,
  libfaketime,
  mtools,
  zstd,
  nodejs_24,
  systemd,
  stdenv,
  npm,
  slot,
  table ? import ../disko/table.nix,
  # until the first start
  persistMiB ? 512,
}:
let
  uuid = n: "0d91a9e0-0000-4000-8000-00000000000${toString n}";
  src = import ./source.nix [
    "package.json"
    "control/package.json"
    "control/src/domain"
    "ota/package.json"
    "ota/src/slots"
    "packages/esp.ts"
  ];
  efi = if stdenv.hostPlatform.isAarch64 then "systemd-bootaa64.efi" else "systemd-bootx64.efi";
  # beginnings in MiB, each behind the one before it
  start = {
    esp = 1;
    system-a = start.esp + table.esp.mib;
    system-b = start.system-a + table.system-a.mib;
    persist = start.system-b + table.system-b.mib;
    end = start.persist + persistMiB;
  };
  partition =
    name:
    let
      p = table.${name};
      n = toString p.priority;
      mib = if p.mib == null then persistMiB else p.mib;
    in
    "--new=${n}:${toString start.${name}}M:+${toString mib}M --typecode=${n}:${p.type} --change-name=${n}:${p.label} --partition-guid=${n}:${uuid p.priority}";
  name = "dplaneos-${slot.version}-${stdenv.hostPlatform.system}.img";
in
runCommand "dplaneos-image-${slot.version}"
  {
    inherit (slot) version;
    nativeBuildInputs = [
      dosfstools
      e2fsprogs
      gptfdisk
      libfaketime
      mtools
      nodejs_24
      zstd
    ];
  }
  ''
    cp -r ${src}/. .
    chmod -R u+w .
    ln -s ${npm "build"}/node_modules node_modules
    node packages/esp.ts --out esp --kernel ${slot}/kernel --initrd ${slot}/initrd --system ${slot}/system.json \
      --options-file ${slot}/kernel-params --loader ${systemd}/lib/systemd/boot/efi/${efi}
    find esp -exec touch -d @1767225600 {} +
    truncate -s ${toString table.esp.mib}M esp.img
    mkfs.vfat --invariant -F 32 -n ESP -i 0d91a9e0 esp.img
    mcopy -s -m -i esp.img esp/EFI esp/loader esp/dplane ::

    truncate -s ${toString persistMiB}M persist.img
    faketime -f '1970-01-01 00:00:01' mkfs.ext4 -q -L persist -U ${uuid 4} -E hash_seed=${uuid 4},lazy_itable_init=0,lazy_journal_init=0 persist.img

    mkdir $out
    truncate -s ${toString (start.end + 1)}M ${name}
    sgdisk --set-alignment=2048 ${partition "esp"} ${partition "system-a"} ${partition "system-b"} ${partition "persist"} \
      --disk-guid=${uuid 0} ${name}
    put() { dd if=$1 of=${name} bs=1M seek=$2 conv=notrunc,sparse status=none; }
    put esp.img ${toString start.esp}
    put ${slot}/slot.img ${toString start.system-a}
    put persist.img ${toString start.persist}
    zstd -T0 -12 -q ${name} -o $out/${name}.zst
    cd $out
    sha256sum ${name}.zst > ${name}.zst.sha256
  ''
