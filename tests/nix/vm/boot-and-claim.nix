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
    # NFS 4 walks through a root that is a tmpfs; who its clients were is kept
    nas.succeed("findmnt -no FSTYPE / | grep -qx tmpfs")
    nas.succeed("mkdir -p /etc/exports.d && echo '/tank/photos localhost(rw,no_root_squash)' > /etc/exports.d/try.exports && echo '# dplaneos-share: ' > /etc/exports.d/dplaneos.exports")
    nas.succeed("systemctl restart nfs-server && mkdir /run/photos && mount -t nfs -o vers=4.2 localhost:/tank/photos /run/photos")
    nas.succeed("echo hello > /run/photos/letter && grep -qx hello /tank/photos/letter && umount /run/photos")
    nas.succeed("findmnt -no SOURCE /var/lib/nfs | grep -q persist")
    # the gate: nothing that serves data is up before its pools
    nas.succeed("systemctl show -p Wants samba-smbd.service | grep -q dplane-pools.service")
    # nobody gets in by password, nobody as root
    nas.succeed("sshd -T | grep -qx 'permitrootlogin no'")
    nas.succeed("sshd -T | grep -qx 'passwordauthentication no'")
  '';
}
