# Who gets in: by key, never as root, never by password.
{ config, lib, ... }:
let
  cfg = config.services.dplaneos;
  own = import ./types.nix { inherit lib; };
in
{
  options.services.dplaneos = {
    sshKeys = lib.mkOption {
      type = lib.types.listOf own.sshKey;
      default = [ ];
      example = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam ada@desk" ];
      description = "Public keys that may log in as `admin`, who may become root.";
    };
    headless = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Nobody reads its screen. The code that makes the first browser its administrator is shown there.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !cfg.headless || cfg.sshKeys != [ ];
        message = "D-PlaneOS: services.dplaneos.sshKeys is empty and the machine is headless: you would lock yourself out. Give at least one public key, or set services.dplaneos.headless = false if somebody can read its screen.";
      }
    ];

    services.openssh = {
      enable = true;
      openFirewall = true;
      settings = {
        PermitRootLogin = "no";
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
        AllowUsers = [ "admin" ];
      };
      hostKeys = [
        {
          path = "/etc/ssh/host-keys/ssh_host_ed25519_key";
          type = "ed25519";
        }
      ];
    };

    users.mutableUsers = false;
    users.users.root.hashedPassword = "!";
    users.users.admin = {
      isNormalUser = true;
      uid = 1000;
      extraGroups = [ "wheel" ];
      hashedPassword = "!";
      openssh.authorizedKeys.keys = cfg.sshKeys;
    };
    # there is no password to ask for
    security.sudo.wheelNeedsPassword = false;
    # an image for everybody has nobody's key: its way in is the browser, by the code on its screen
    users.allowNoPasswordLogin = cfg.sshKeys == [ ];
  };
}
