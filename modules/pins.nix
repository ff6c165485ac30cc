# Kernel and OpenZFS, as the one pair that is tested: refused at evaluation when something makes another pair of it.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:
let
  cfg = config.services.dplaneos;
  pair = cfg.pair;
  kernel = config.boot.kernelPackages.kernel.version;
  zfs = config.boot.zfs.package.version;
  module = config.boot.zfs.modulePackage;
  wantedKernel = pair.kernelPackages.kernel.version;
  bootsFromZfs = lib.filter (fs: fs.fsType == "zfs" && utils.fsNeededForBoot fs) (lib.attrValues config.fileSystems);
  howTo = "Set both with services.dplaneos.pair, and leave boot.kernelPackages and boot.zfs.package alone.";
in
{
  options.services.dplaneos.pair = lib.mkOption {
    type = lib.types.submodule {
      options = {
        kernelPackages = lib.mkOption {
          type = lib.types.raw;
          description = "Kernel with its modules.";
        };
        zfs = lib.mkOption {
          type = lib.types.package;
          description = "OpenZFS: tools, and through them the module that goes with them.";
        };
      };
    };
    default = {
      kernelPackages = pkgs.linuxKernel.packages.linux_6_12;
      zfs = pkgs.zfs_2_3;
    };
    defaultText = lib.literalExpression "{ kernelPackages = pkgs.linuxKernel.packages.linux_6_12; zfs = pkgs.zfs_2_3; }";
    example = lib.literalExpression "{ kernelPackages = pkgs.linuxKernel.packages.linux_6_18; zfs = pkgs.zfs_2_4; }";
    description = ''
      Kernel and OpenZFS. The default are the two with long-term support that D-PlaneOS is tested with. They are one option
      because they are one decision: a kernel that the module is not made for starts a NAS without its pools.
    '';
  };

  config = lib.mkIf cfg.enable {
    boot.kernelPackages = pair.kernelPackages;
    boot.zfs.package = pair.zfs;
    boot.supportedFilesystems.zfs = true;

    assertions = [
      {
        assertion = kernel == wantedKernel && zfs == pair.zfs.version;
        message = "D-PlaneOS: this system would have Linux ${kernel} with OpenZFS ${zfs}, but the pair that belongs together is Linux ${wantedKernel} with OpenZFS ${pair.zfs.version}. Something else sets one of the two. ${howTo}";
      }
      {
        assertion = module.version == zfs;
        message = "D-PlaneOS: the tools are of OpenZFS ${zfs}, the kernel module of ${module.version}. ${howTo}";
      }
      {
        assertion = !(module.meta.broken or false);
        message = "D-PlaneOS: OpenZFS ${zfs} is not made for Linux ${kernel}: the module would not build, or not load. Take a newer OpenZFS, or an older kernel. ${howTo}";
      }
      {
        assertion = lib.versionAtLeast zfs "2.3";
        message = "D-PlaneOS: OpenZFS ${zfs} is too old, its tools answer in JSON only since 2.3. ${howTo}";
      }
      {
        assertion = bootsFromZfs == [ ] || (config.boot.initrd.supportedFilesystems.zfs or false);
        message = "D-PlaneOS: ${lib.concatMapStringsSep ", " (fs: fs.mountPoint) bootsFromZfs} is on ZFS and needed to start, but the initrd has no zfs. Remove what sets boot.initrd.supportedFilesystems.zfs to false.";
      }
    ];
  };
}
