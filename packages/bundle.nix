# An update of the NixOS image in the format every box takes (docs/adr/0006-slots.md), unsigned: a key is no input of a build. Sign what comes
# out with `dplane-ota sign BUNDLE --key FILE`.
#   ota    the package that has bin/dplane-ota
#   image  slot.img (ext4 with /nix), kernel, initrd, kernel-params, system.json (with poolFeatures) in one folder, and `version`
{
  runCommand,
  ota,
  image,
  # seconds since 1970; of the commit, so that the same sources give the same bytes
  created,
  validDays ? 365,
}:
runCommand "dplaneos-${image.version}.bundle" { } ''
  ${ota}/bin/dplane-ota build "$out" \
    --slot ${image}/slot.img --kernel ${image}/kernel --initrd ${image}/initrd \
    --system ${image}/system.json --options-file ${image}/kernel-params \
    --created ${toString created} --not-after ${toString (created + validDays * 86400)}
''
