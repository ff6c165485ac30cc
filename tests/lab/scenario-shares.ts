/** Recordings about Samba and NFS; needs the dataset `tank/media`. */
import { type Recorder, words } from './recorder.ts';

const GLOBAL = `[global]
  workgroup = WORKGROUP
  server role = standalone server
  disable netbios = yes
  smb ports = 445
  load printers = no
  printing = bsd
  server min protocol = SMB3
`;
const MEDIA = `[media]
  path = /mnt/tank/media
  read only = no
  vfs objects = shadow_copy2
  shadow:snapdir = .zfs/snapshot
  shadow:sort = desc
  shadow:format = GMT-%Y.%m.%d-%H.%M.%S
  shadow:localtime = no
`;

/** The appliance starts these services with the first share it declares; here they run without one. */
const WITHOUT_SHARES = `for unit in smbd nfs-server; do
  mkdir -p /run/systemd/system/$unit.service.d
  printf '[Service]\nExecCondition=\n' > /run/systemd/system/$unit.service.d/zz-recording.conf
done
systemctl daemon-reload`;

/** The share user's password is made for the run and worth nothing. */
export async function samba(r: Recorder): Promise<void> {
  await r.script(WITHOUT_SHARES);
  await r.script('hostname nas');
  await r.prepare(words('tee /etc/samba/smb.conf'), GLOBAL + MEDIA);
  await r.script('id alice >/dev/null 2>&1 || useradd -M -s /usr/sbin/nologin alice; chown alice /mnt/tank/media');
  // once before: what is recorded is the answer to an account that is there
  await r.prepare(words('smbpasswd -s -a alice'), 'lab-only\nlab-only\n');
  await r.record('smbpasswd-add-ok', words('smbpasswd -s -a alice'), 'lab-only\nlab-only\n');
  await r.record('smbpasswd-add-no-such-user', words('smbpasswd -s -a nosuch'), 'lab-only\nlab-only\n');
  await r.record('smbpasswd-disable-ok', words('smbpasswd -d alice'));
  await r.record('smbpasswd-enable-ok', words('smbpasswd -e alice'));
  await r.record('pdbedit-list', words('pdbedit -L'));
  await r.record('pdbedit-list-verbose', words('pdbedit -L -v'));
  await r.record('testparm-s-ok', words('testparm -s'));
  await r.prepare(words('tee /var/tmp/unknown.conf'), `${GLOBAL}${MEDIA}  nosuch option = yes\n`);
  await r.record('testparm-s-unknown-option', words('testparm -s /var/tmp/unknown.conf'));
  await r.prepare(words('tee /var/tmp/badvalue.conf'), `${GLOBAL}${MEDIA}  browseable = perhaps\n`);
  await r.record('testparm-s-bad-value', words('testparm -s /var/tmp/badvalue.conf'));
  await r.prepare(words('tee /var/tmp/broken.conf'), `${GLOBAL}[media\n path = /x\n`);
  await r.record('testparm-s-broken', words('testparm -s /var/tmp/broken.conf'));
  await r.record('testparm-s-missing-file', words('testparm -s /var/tmp/nosuch.conf'));
  await r.prepare(words('systemctl restart smbd'));
  await r.record('smbstatus-json-no-session', words('smbstatus --json'));
  const client = r.longHost(['smbclient', '//127.0.0.1/media', '-p', String(r.smbPort), '-U', 'alice%lab-only', '-m', 'SMB3']);
  client.write('open song\n');
  for (let tries = 0; tries < 60; tries++) {
    if ((await r.prepare(words('smbstatus -L'))).includes('song')) break;
    await r.script('sleep 0.5');
  }
  await r.record('smbstatus-json-one-session', words('smbstatus --json'));
  await r.record('ss-of-shares', words('ss -HtinO state established sport = :445 or sport = :2049'));
  await r.record('smbstatus-json-shares-only', words('smbstatus --json -S'));
  await r.record('smbstatus-json-locks-only', words('smbstatus --json -L'));
  await r.record('smbstatus-text-one-session', words('smbstatus'));
  client.write('exit\n');
  client.closeInput();
  await client.ended;
  await r.record('smbcontrol-reload-ok', words('smbcontrol smbd reload-config'));
  await r.prepare(words('systemctl stop smbd'));
  await r.record('smbstatus-json-not-running', words('smbstatus --json'));
  await r.record('smbcontrol-reload-not-running', words('smbcontrol smbd reload-config'));
  await r.prepare(words('systemctl start smbd'));
}

export async function nfs(r: Recorder): Promise<void> {
  await r.prepare(
    words('tee /etc/exports'),
    '/mnt/tank/media 192.168.0.0/16(rw,no_subtree_check) 10.0.2.2(ro,insecure,no_subtree_check)\n"/mnt/tank/media/My Holiday 2024" *(ro,no_subtree_check)\n',
  );
  await r.prepare(words('systemctl start nfs-server'));
  await r.record('exportfs-r-ok', words('exportfs -r'));
  await r.record('exportfs-v', words('exportfs -v'));
  await r.record('exportfs-s', words('exportfs -s'));
  await r.prepare(words('tee /etc/exports'), '/mnt/tank/nosuch *(rw,no_subtree_check)\n');
  await r.record('exportfs-r-missing-path', words('exportfs -r'));
  await r.prepare(words('tee /etc/exports'), '/mnt/tank/media *(rw,nosuchoption,no_subtree_check)\n');
  await r.record('exportfs-r-bad-option', words('exportfs -r'));
  await r.prepare(words('tee /etc/exports'), '/mnt/tank/media nosuch.invalid(rw,no_subtree_check)\n');
  await r.record('exportfs-r-unknown-host', words('exportfs -r'));
  await r.prepare(words('tee /etc/exports'), '/mnt/tank/media\n');
  await r.record('exportfs-r-no-client', words('exportfs -r'));
  await r.prepare(words('tee /etc/exports'), '');
  await r.record('exportfs-v-empty', words('exportfs -v'));
}
