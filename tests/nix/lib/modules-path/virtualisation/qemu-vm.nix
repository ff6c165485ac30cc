# In place of the file of nixpkgs: its options are in options.nix.
{ }
