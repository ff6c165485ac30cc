# What to change: the host id (head -c4 /dev/urandom | od -A none -t x4) and the key. The disk is partitioned by the image already.
{
  nixpkgs.hostPlatform = "x86_64-linux";
  networking.hostId = "00c0ffee";
  services.dplaneos.sshKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam ada@desk" ];
}
