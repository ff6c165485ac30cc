# A NAS someone would really run: two mirrors, three shares, one of them also kept elsewhere. Copy it, change what is yours.
{
  # how the disk of the system is made, when it is not flashed
  imports = [ (import ../../disko/ab.nix { device = "/dev/disk/by-id/nvme-Samsung_SSD_980_500GB_S64DNL0T000001"; }) ];

  networking.hostId = "5c1de0a7";

  services.dplaneos = {
    sshKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam ada@desk" ];

    state = {
      pools = [
        {
          name = "tank";
          vdevs = [
            {
              kind = "mirror";
              disks = [
                "/dev/disk/by-id/ata-WDC_WD40EFRX-68N32N0_WD-WCC7K0000001"
                "/dev/disk/by-id/ata-WDC_WD40EFRX-68N32N0_WD-WCC7K0000002"
              ];
            }
            {
              kind = "mirror";
              disks = [
                "/dev/disk/by-id/ata-ST4000VN008-2DR166_ZDH00003"
                "/dev/disk/by-id/ata-ST4000VN008-2DR166_ZDH00004"
              ];
            }
          ];
          properties.compression = "lz4";
        }
      ];
      datasets = [
        { name = "tank/photos"; }
        {
          name = "tank/backups";
          properties.quota = "1T";
        }
        { name = "tank/media"; }
      ];
      # ZFS's cache: a size, or what this machine and what runs on it leave
      memory.arc = "auto";
      shares = [
        {
          kind = "smb";
          name = "photos";
          dataset = "tank/photos";
          writeUsers = [ "ada" ];
          validUsers = [ "ada" ];
        }
        {
          kind = "smb";
          name = "backups";
          dataset = "tank/backups";
          preset = "time-machine";
          validUsers = [ "ada" ];
          writeUsers = [ "ada" ];
        }
        {
          kind = "nfs";
          name = "media";
          dataset = "tank/media";
          clients = [
            {
              host = "192.168.1.0/24";
              access = "ro";
            }
          ];
        }
      ];
      replication = [
        {
          name = "photos-away";
          source = "tank/photos";
          target = {
            host = "attic.home.arpa";
            user = "dplane";
            dataset = "vault/photos";
          };
          cron = "0 3 * * *";
        }
      ];
    };
  };
}
