# The flashed image under real firmware: its first start grows /persist and is confirmed; an update that does not come up well is reverted.
{
  packages,
  pkgs,
  update,
  ...
}:
let
  # signed by a key that the machine is told to trust; a key of a test is no secret
  signed = pkgs.runCommand "signed-update" { nativeBuildInputs = [ packages.ota pkgs.dosfstools pkgs.mtools ]; } ''
    echo correct-horse-battery > passphrase
    dplane-ota keygen test.key --passphrase-file passphrase --comment test
    cp ${update} update.bundle
    chmod u+w update.bundle
    dplane-ota sign update.bundle --key test.key --passphrase-file passphrase
    truncate -s 4G stick
    mkfs.vfat stick
    mcopy -i stick update.bundle test.key.pem ::
    mv stick $out
  '';
in
{
  name = "update-and-revert";
  nodes = { };
  testScript = ''
    import glob, os, subprocess
    disk = os.path.join(os.environ.get("TMPDIR", "/tmp"), "disk.img")
    [packed] = glob.glob("${packages.image}/*.img.zst")
    subprocess.check_call(["${pkgs.zstd}/bin/zstd", "-dqf", packed, "-o", disk])
    subprocess.check_call(["${pkgs.coreutils}/bin/truncate", "-s", "24G", disk])
    nas = create_machine(
        "${pkgs.qemu}/bin/qemu-kvm -m 2048 -bios ${pkgs.OVMF.fd}/FV/OVMF.fd"
        " -drive if=virtio,format=raw,file=" + disk +
        " -drive if=virtio,format=raw,readonly=on,file=${signed}"
    )
    nas.wait_for_unit("dplane-settle.service")
    nas.succeed("dplane-ota status | grep -q confirmed")
    nas.wait_for_unit("dplane-grow.service")
    nas.succeed("test $(lsblk -bno SIZE $(readlink -f /dev/disk/by-partlabel/persist)) -gt 5000000000")

    nas.succeed("mkdir /run/stick && mount -o ro /dev/vdb /run/stick")
    nas.succeed("dplane-ota enroll-key /run/stick/test.key.pem")
    nas.succeed("dplane-ota apply /run/stick/update.bundle")
    nas.shutdown()
    nas.start()
    # tried, given up, and back: what runs is the first slot again, and the history says why
    nas.wait_until_succeeds("grep -q reverted /persist/ota/history.jsonl", timeout=900)
    nas.succeed("grep -q dplane.slot=a /proc/cmdline")
  '';
}
