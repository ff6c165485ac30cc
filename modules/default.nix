# The control plane in a NixOS machine of one's own: daemon, executor, pools' gate, shares. Nothing here touches boot loader, file systems or
# users of the machine; that is appliance.nix.
{
  imports = [
    ./control.nix
    ./release.nix
    ./pins.nix
    ./storage.nix
    ./state.nix
    ./shares.nix
    ./firewall.nix
  ];
}
