# Wiring only: what is built lies in packages/, what a machine is in modules/, which machines there are in hosts/.
{
  description = "D-PlaneOS: a ZFS NAS you can reinstall, update and reason about as one piece of code";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    disko = {
      url = "github:nix-community/disko";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    # its own inputs are for its own tests
    impermanence = {
      url = "github:nix-community/impermanence";
      inputs.nixpkgs.follows = "nixpkgs";
      inputs.home-manager.follows = "";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      disko,
      impermanence,
    }:
    let
      lib = nixpkgs.lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      each = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      systemOf = pkgs: pkgs.stdenv.hostPlatform.system;
      created = self.lastModified or 1;

      # what this flake adds to a module: its packages, and the time of its last commit
      own =
        { pkgs, ... }:
        {
          services.dplaneos.package = lib.mkDefault self.packages.${systemOf pkgs}.control;
          services.dplaneos.release.index = lib.mkDefault created;
        };
      others = [
        disko.nixosModules.disko
        impermanence.nixosModules.impermanence
        # a layout says how a disk is made; what is mounted from it says modules/slots.nix
        { disko.enableConfig = lib.mkDefault false; }
      ];
      machine = others ++ [
        ./modules/appliance.nix
        own
      ];
      hosts = import ./hosts {
        inherit lib;
        system = nixpkgs.lib.nixosSystem;
        modules = machine;
      };
      # a machine of this repository, for a processor
      host = name: system: {
        imports = [ ./hosts/${name} ];
        nixpkgs.hostPlatform = lib.mkDefault system;
      };
      appliance = system: (hosts { dplane = host "appliance" system; }).dplane;
      installer =
        system: parts:
        lib.nixosSystem {
          specialArgs = { inherit parts; };
          modules = [
            ./hosts/installer
            { nixpkgs.hostPlatform = system; }
          ];
        };
    in
    {
      nixosModules = {
        default.imports = [
          ./modules
          own
        ];
        appliance.imports = machine;
      };

      # for flakes of one's own: machines by name, refused if two have one host id
      lib.hosts = hosts;
      lib.disk = import ./disko/ab.nix;

      nixosConfigurations =
        hosts {
          appliance = host "appliance" "x86_64-linux";
          vm = host "vm" "x86_64-linux";
          example = host "example" "x86_64-linux";
        }
        // {
          appliance-aarch64 = appliance "aarch64-linux";
        };

      packages = each (
        pkgs:
        import ./packages {
          inherit pkgs created;
          host = appliance (systemOf pkgs);
          installer = installer (systemOf pkgs);
        }
      );

      apps = each (
        pkgs:
        let
          system = systemOf pkgs;
          app = program: description: {
            type = "app";
            inherit program;
            meta = { inherit description; };
          };
          vm = (hosts { dplane = host "vm" system; }).dplane;
        in
        {
          vm = app "${vm.config.system.build.vm}/bin/run-dplane-vm" "The control plane in a throw-away VM";
          flash = app "${self.packages.${system}.flash}/bin/dplaneos-flash" "Write an image to a disk";
          release = app "${self.packages.${system}.release}/bin/dplaneos-release" "Image and update, signed, in a folder";
          ota = app "${self.packages.${system}.ota}/bin/dplane-ota" "Make, sign and verify updates";
        }
      );

      checks = each (
        pkgs:
        import ./tests/nix/vm {
          inherit pkgs lib;
          inherit (lib) nixosSystem;
          modules = machine;
          packages = self.packages.${systemOf pkgs};
          systems = [
            (appliance (systemOf pkgs))
            (hosts { dplane = host "vm" (systemOf pkgs); }).dplane
            (installer (systemOf pkgs) { inherit (self.packages.${systemOf pkgs}) image flash; })
          ];
        }
      );

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.nodejs_24
            pkgs.nixfmt-rfc-style
          ];
        };
      });
      formatter = each (pkgs: pkgs.nixfmt-tree);

      templates.default = {
        path = ./hosts/template;
        description = "A NAS of one's own, as a flake";
      };
    };
}
