# A configuration changed on the machine itself becomes a counted generation of the running slot.
{ modules, ... }:
{
  name = "rebuild";
  nodes.nas =
    { lib, ... }:
    {
      imports = modules ++ [ ../../../hosts/vm ];
      networking.hostId = lib.mkForce "8425e349";
      specialisation.changed.configuration.environment.etc."changed".text = "yes";
    };
  testScript = ''
    nas.wait_for_unit("dplaned.service")
    before = nas.succeed("systemctl show -p ActiveEnterTimestampMonotonic dplaned.service")
    nas.succeed("/run/current-system/specialisation/changed/bin/switch-to-configuration test")
    nas.succeed("grep -qx yes /etc/changed")
    # nothing of ours changed, so nothing of ours was restarted
    after = nas.succeed("systemctl show -p ActiveEnterTimestampMonotonic dplaned.service")
    assert before == after, (before, after)
    nas.succeed("nix-env -p /nix/var/nix/profiles/system --set /run/current-system")
    nas.succeed("dplane generations | grep -q current")
  '';
}
