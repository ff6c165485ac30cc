# Pools, datasets and shares as part of the configuration. It is checked when the system is built, by the very parser that will read it, and
# lies in /etc/dplaneos/state.yaml. Nothing applies it by itself: `dplane apply -f /etc/dplaneos/state.yaml` shows a plan and asks.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.dplaneos;
  own = import ./types.nix { inherit lib; };

  vdev = lib.types.submodule {
    options = {
      kind = lib.mkOption {
        type = lib.types.enum [
          "stripe"
          "mirror"
          "raidz1"
          "raidz2"
          "raidz3"
          "draid1"
          "draid2"
          "draid3"
        ];
        example = "mirror";
        description = "How its disks stand in for each other.";
      };
      role = lib.mkOption {
        type = lib.types.enum [
          "data"
          "log"
          "cache"
          "special"
          "spare"
          "dedup"
        ];
        default = "data";
        description = "What the pool uses it for.";
      };
      disks = lib.mkOption {
        type = lib.types.nonEmptyListOf (own.diskById "a disk of a pool in services.dplaneos.state");
        example = [ "/dev/disk/by-id/ata-WDC_WD40EFRX-68N32N0_WD-WCC7K0000001" ];
        description = "Disks, by the names that stay with them.";
      };
    };
  };

  pool = lib.types.submodule {
    options = {
      name = lib.mkOption {
        type = lib.types.strMatching "[A-Za-z][A-Za-z0-9_.:-]*";
        example = "tank";
        description = "Name of the pool.";
      };
      vdevs = lib.mkOption {
        type = lib.types.nonEmptyListOf vdev;
        description = "What it is made of.";
      };
      options = lib.mkOption {
        type = lib.types.attrsOf lib.types.anything;
        default = { };
        example = {
          ashift = 12;
        };
        description = "Options of the pool.";
      };
      properties = lib.mkOption {
        type = lib.types.attrsOf lib.types.anything;
        default = { };
        example = {
          compression = "zstd";
        };
        description = "Properties of its root dataset.";
      };
    };
  };

  list =
    description:
    lib.mkOption {
      type = lib.types.listOf (lib.types.attrsOf lib.types.anything);
      default = [ ];
      inherit description;
    };

  text = pkgs.writeText "state.json" (builtins.toJSON ({ version = 1; } // lib.filterAttrs (_: value: value != null) cfg.state));
in
{
  options.services.dplaneos.state = lib.mkOption {
    type = lib.types.nullOr (
      lib.types.submodule {
        options = {
          ignore_extraneous = lib.mkOption {
            type = lib.types.bool;
            default = false;
            description = "Leave alone what is on the machine but not declared here.";
          };
          pools = lib.mkOption {
            type = lib.types.listOf pool;
            default = [ ];
            description = "Pools. None is ever destroyed because it is not here.";
          };
          datasets = list "Datasets, as in state.yaml.";
          shares = list "Shares, as in state.yaml.";
          memory = lib.mkOption {
            type = lib.types.nullOr (lib.types.attrsOf lib.types.str);
            default = null;
            example = {
              arc = "4G";
            };
            description = "How much memory ZFS's cache may take, as in state.yaml: a size, or auto. Null: it is not looked at.";
          };
          schedules = list "Snapshot schedules, as in state.yaml.";
          replication = list "Replication tasks, as in state.yaml.";
        };
      }
    );
    default = null;
    description = "What the NAS should be: the contents of state.yaml. Null: it is declared on the machine.";
  };

  config = lib.mkIf (cfg.enable && cfg.state != null) {
    environment.etc."dplaneos/state.yaml".source = pkgs.runCommand "state.yaml" { } ''
      # on standard error with line and column, if it does not parse
      ${cfg.package}/lib/dplaneos/bin/node ${cfg.package}/lib/dplaneos/programs/dplane-state.js ${text}
      cp ${text} $out
    '';
  };
}
