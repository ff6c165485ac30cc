# The appliance for `nix run .#vm`: four small disks to make pools of, a console, and the browser interface at https://localhost:8443.
{ modulesPath, lib, ... }:
{
  imports = [
    ../appliance
    (modulesPath + "/virtualisation/qemu-vm.nix")
  ];

  # qemu-vm brings a root and a store of its own; slots are what the image has (nix build .#image)
  boot.loader.external.enable = lib.mkForce false;
  virtualisation = {
    memorySize = 2048;
    emptyDiskImages = [
      4096
      4096
      4096
      4096
    ];
    graphics = false;
    forwardPorts = [
      {
        from = "host";
        host.port = 8443;
        guest.port = 8443;
      }
    ];
    fileSystems."/persist" = {
      device = "none";
      fsType = "tmpfs";
      neededForBoot = true;
    };
  };
}
