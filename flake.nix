# Wiring only. The inputs (nixpkgs, disko, impermanence), the image and its checks are not part of this version yet;
# until they are, this flake offers nothing but its description and needs no network.
{
  description = "D-PlaneOS: a ZFS NAS you can reinstall, update and reason about as one piece of code";

  inputs = { };

  outputs = _: { };
}
