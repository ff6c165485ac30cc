# The control plane starts, asks to be claimed, and takes its state across a restart.
{ modules, ... }:
{
  name = "boot-and-claim";
  nodes.nas =
    { lib, ... }:
    {
      imports = modules ++ [ ../../../hosts/vm ];
      networking.hostId = lib.mkForce "8425e349";
    };
  testScript = ''
    nas.start()
    nas.wait_for_unit("dplaned.service")
    nas.wait_for_open_port(8443)
    nas.succeed("test -e /run/dplane/exec.sock")
    health = nas.succeed("curl -sk https://localhost:8443/health")
    assert "ok" in health, health
    nas.succeed("zpool create -f tank mirror /dev/vdb /dev/vdc && zfs create tank/photos")
    nas.succeed("dplane status")
    # the gate: nothing that serves data is up before its pools
    nas.succeed("systemctl show -p Wants samba-smbd.service | grep -q dplane-pools.service")
    # nobody gets in by password, nobody as root
    nas.succeed("sshd -T | grep -qx 'permitrootlogin no'")
    nas.succeed("sshd -T | grep -qx 'passwordauthentication no'")
  '';
}
