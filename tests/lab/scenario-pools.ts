/** Recordings about pools: listings in every state a person can bring a pool into, and the refusals. */
import { selfTestArgv, smartArgv } from '../../control/src/host/smart/smartctl.ts';
import { type Recorder, words } from './recorder.ts';

export const by = (n: number): string => `/dev/disk/by-id/virtio-nas-d${n}`;
const PROPS = [
  '-o',
  'ashift=12',
  '-o',
  'autotrim=on',
  '-O',
  'acltype=posix',
  '-O',
  'xattr=sa',
  '-O',
  'compression=lz4',
  '-O',
  'mountpoint=/mnt/tank',
];
const HOSTID = '/sys/module/spl/parameters/spl_hostid';
const SUSPEND = '/sys/module/zfs/parameters/zfs_scan_suspend_progress';

/** `jp` is the form the adapters use: nested, exact decimal strings. The others are there to be avoided knowingly. */
async function statusForms(r: Recorder, state: string, pool: string): Promise<void> {
  await r.record(`zpool-status-jp-${state}`, words(`zpool status -j -p`, pool));
  await r.record(`zpool-list-jp-${state}`, words(`zpool list -j -p`, pool));
  await r.record(`zpool-status-j-${state}`, words(`zpool status -j --json-int`, pool));
  await r.record(`zpool-status-j-flat-${state}`, words(`zpool status -j --json-int --json-flat-vdevs`, pool));
  await r.record(`zpool-status-text-${state}`, words(`zpool status -v`, pool));
  await r.record(`zpool-list-j-${state}`, words(`zpool list -j -p --json-int`, pool));
}

/** Leaves no pool, no label and no event behind, so that the recording can be made again in the same VM. */
export async function reset(r: Recorder): Promise<void> {
  const gone = 'for p in $(zpool list -Ho name); do zpool destroy -f $p; done; zpool events -c';
  const blank = `for n in 1 2 3 4 5 6 7 8 9 10 11 12; do d=${by(0).slice(0, -1)}$n; [ -e $d-part1 ] && zpool labelclear -f $d-part1; wipefs -qa $d; blockdev --rereadpt $d; done`;
  await r.script(`set +e; modprobe zfs; ${gone} >/dev/null; ${blank}; udevadm settle; exit 0`);
}

export async function nothingYet(r: Recorder): Promise<void> {
  await r.record('zfs-version-j', words('zfs version -j'));
  await r.record('zfs-version-text', words('zfs version'));
  await r.record('zpool-version-j', words('zpool version -j'));
  await r.record('zpool-list-no-pools', words('zpool list'));
  await r.record('zpool-list-j-no-pools', words('zpool list -j -p --json-int'));
  await r.record('zpool-list-hp-no-pools', words('zpool list -Hp'));
  await r.record('zpool-status-j-no-pools', words('zpool status -j --json-int'));
  await r.record('zfs-list-j-no-pools', words('zfs list -j -p --json-int'));
  await r.record('zfs-list-snapshots-no-pools', words('zfs list -Hp -t snapshot -o name,guid,createtxg,creation,used,referenced,userrefs'));
  await r.record('zpool-list-missing-pool', words('zpool list -j nosuch'));
  await r.record('zpool-status-missing-pool', words('zpool status -j nosuch'));
  await r.record('zpool-get-missing-pool', words('zpool get -j all nosuch'));
  await r.record('zpool-scrub-missing-pool', words('zpool scrub nosuch'));
  await r.record('zpool-set-missing-pool', words('zpool set autotrim=on nosuch'));
  await r.record('zpool-destroy-missing-pool', words('zpool destroy nosuch'));
  await r.record('zpool-import-missing-pool', words('zpool import nosuch'));
  await r.record('zpool-import-nothing-found', words('zpool import -d /dev/disk/by-id'));
  await r.record('zpool-events-none', words('zpool events -H'));
  await r.record('zpool-bad-option', words('zpool list --nosuch'));
  await r.record('zfs-bad-subcommand', words('zfs nosuch'));
  await disks(r, 'blank');
}

export async function disks(r: Recorder, state: string): Promise<void> {
  const columns = 'NAME,SIZE,TYPE,MODEL,SERIAL,LOG-SEC,PHY-SEC,ROTA,TRAN,FSTYPE,PARTTYPENAME,MOUNTPOINTS,PATH';
  await r.record(`lsblk-j-${state}`, words(`lsblk -J -b -o ${columns}`));
  await r.record(
    `lsblk-j-wwn-label-${state}`,
    words(`lsblk -J -b -o NAME,PATH,TYPE,WWN,LABEL,UUID,PARTLABEL,PARTUUID,RO,RM,HOTPLUG,PKNAME,VENDOR,REV`),
  );
  await r.record(`ls-by-id-${state}`, words('ls -l /dev/disk/by-id'));
  await r.record(`readlink-by-id-${state}`, words(`readlink -f ${by(1)} ${by(2)}`));
}

const SMART_DISKS = [
  ['ata', '/dev/disk/by-id/ata-QEMU_HARDDISK_nas-ata1', 'sat'],
  ['nvme', '/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_nas-nvme1', 'nvme'],
  ['scsi', '/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_nas-scsi1', 'scsi'],
] as const;
export async function smart(r: Recorder): Promise<void> {
  await r.record('smartctl-j-scan', words('smartctl -j --scan'));
  await r.record('smartctl-j-virtio', words(`smartctl -j -a ${by(1)}`));
  await r.record('smartctl-j-ata', words('smartctl -j -a /dev/disk/by-id/ata-QEMU_HARDDISK_nas-ata1'));
  await r.record('smartctl-j-ata-x', words('smartctl -j -x /dev/disk/by-id/ata-QEMU_HARDDISK_nas-ata1'));
  await r.record('smartctl-j-ata-selftest-start', words('smartctl -j -t short /dev/disk/by-id/ata-QEMU_HARDDISK_nas-ata1'));
  await r.record('smartctl-j-nvme', words('smartctl -j -a /dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_nas-nvme1'));
  await r.record('smartctl-j-scsi', words('smartctl -j -a /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_nas-scsi1'));
  // what the adapter asks, device type and all
  for (const [name, path, device] of SMART_DISKS) await r.record(`smartctl-read-${name}`, smartArgv(path, device));
  const [[, ata]] = SMART_DISKS;
  await r.record('smartctl-selftest-short', selfTestArgv(ata, 'sat', 'short', true));
  await r.record('smartctl-selftest-stop', selfTestArgv(ata, 'sat', 'stop', true));
  await r.record('smartctl-selftest-scheduled', selfTestArgv(ata, 'sat', 'long', false));
  await r.record('smartctl-read-tested', smartArgv(ata, 'sat'));
  await r.record('smartctl-selftest-nvme', selfTestArgv(SMART_DISKS[1][1], 'nvme', 'short', true));
  await r.record('smartctl-j-missing', words('smartctl -j -a /dev/disk/by-id/nosuch'));
}

export async function createPools(r: Recorder): Promise<void> {
  await r.prepare(words(`mkfs.ext4 -q -F -L photos ${by(9)}`));
  await r.prepare(words(`zpool create oldpool ${by(10)}`));
  await r.prepare(words('zpool export oldpool'));
  await r.record('zpool-create-dry-run', ['zpool', 'create', '-n', ...PROPS, 'tank', 'mirror', by(1), by(2)]);
  await r.record('zpool-create-disk-missing', ['zpool', 'create', ...PROPS, 'tank', 'mirror', by(1), by(99)]);
  await r.record('zpool-create-bad-name-reserved', ['zpool', 'create', ...PROPS, 'mirror', 'mirror', by(1), by(2)]);
  await r.record('zpool-create-bad-name-digit', ['zpool', 'create', ...PROPS, '1tank', 'mirror', by(1), by(2)]);
  await r.record('zpool-create-bad-name-character', ['zpool', 'create', ...PROPS, 'ta%nk', 'mirror', by(1), by(2)]);
  await r.record('zpool-create-mirror-of-one', ['zpool', 'create', ...PROPS, 'tank', 'mirror', by(1)]);
  await r.record('zpool-create-bad-property', ['zpool', 'create', '-O', 'compression=nosuch', 'tank', 'mirror', by(1), by(2)]);
  await r.record('zpool-create-mirror-ok', ['zpool', 'create', ...PROPS, 'tank', 'mirror', by(1), by(2)]);
  await r.record('zpool-create-name-taken', ['zpool', 'create', ...PROPS, 'tank', 'mirror', by(3), by(4)]);
  await r.record('zpool-create-device-in-use', ['zpool', 'create', ...PROPS, 'other', 'mirror', by(1), by(3)]);
  await r.record('zpool-create-mountpoint-not-empty', ['zpool', 'create', '-O', 'mountpoint=/etc', 'other', by(3)]);
  await r.record('zpool-create-foreign-filesystem', ['zpool', 'create', 'other', by(9)]);
  await r.record('zpool-create-foreign-pool-label', ['zpool', 'create', 'other', by(10)]);
  await r.record('zpool-create-mismatched-replication', [
    'zpool',
    'create',
    'other',
    'mirror',
    by(3),
    by(4),
    'mirror',
    by(5),
    by(6),
    by(7),
  ]);
  await r.record('zpool-create-mixed-vdevs', ['zpool', 'create', 'other', 'mirror', by(3), by(4), 'raidz2', by(5), by(6), by(7), by(8)]);
  await r.record('zpool-create-force-ok', ['zpool', 'create', '-f', 'other', by(9)]);
  await r.record('zpool-status-j-single-disk', words('zpool status -j --json-int other'));
  await r.record('zpool-destroy-ok', words('zpool destroy other'));
  await r.record('zpool-import-list-destroyed', words('zpool import -D -d /dev/disk/by-id'));
  await r.record('zpool-import-list-exported', words('zpool import -d /dev/disk/by-id'));
  await r.record('zpool-import-ok', words('zpool import -d /dev/disk/by-id oldpool'));
  await r.record('zpool-import-name-taken', words('zpool import -d /dev/disk/by-id oldpool'));
  await r.record('zpool-export-ok', words('zpool export oldpool'));
  await r.record('zpool-import-rename-ok', words('zpool import -d /dev/disk/by-id oldpool renamed'));
  await r.prepare(words('zpool destroy renamed'));
  await r.prepare(words(`zpool labelclear -f ${by(10)}-part1`));
}

export async function healthy(r: Recorder): Promise<void> {
  await statusForms(r, 'healthy', 'tank');
  await r.record('zpool-status-j-healthy-no-json-int', words('zpool status -j tank'));
  await r.record('zpool-status-j-healthy-slow-power', words('zpool status -j --json-int -s -t -i -P -L tank'));
  await r.record('zpool-status-j-healthy-guid-keys', words('zpool status -j --json-int --json-pool-key-guid tank'));
  await r.record('zpool-status-j-healthy-vdev-guids', words('zpool status -j --json-int -g tank'));
  await r.record(
    'zpool-list-jp-columns',
    words(
      'zpool list -j -p -o name,guid,size,allocated,free,freeing,fragmentation,capacity,dedupratio,health,readonly,ashift,autotrim,autoexpand,altroot,leaked,checkpoint,expandsize',
    ),
  );
  await r.record('zpool-list-jp-verbose', words('zpool list -j -p -v'));
  await r.record('zpool-get-jp-all', words('zpool get -j -p all tank'));
  await r.record('zpool-status-jp-everything', words('zpool status -j -p -s -t -i -P -L tank'));
  await r.record('zpool-list-j-no-flags', words('zpool list -j'));
  await r.record('zpool-list-j-p', words('zpool list -j -p'));
  await r.record('zpool-list-j-verbose', words('zpool list -j -p --json-int -v'));
  await r.record('zpool-list-j-guid-keys', words('zpool list -j -p --json-int --json-pool-key-guid'));
  await r.record(
    'zpool-list-j-columns',
    words(
      'zpool list -j -p --json-int -o name,guid,size,allocated,free,freeing,fragmentation,capacity,dedupratio,health,readonly,ashift,autotrim,autoexpand,altroot,version,leaked,checkpoint,expandsize',
    ),
  );
  await r.record('zpool-list-text', words('zpool list'));
  await r.record('zpool-list-hp', words('zpool list -Hp'));
  await r.record('zpool-get-j-all', words('zpool get -j all tank'));
  await r.record('zpool-get-j-all-json-int', words('zpool get -j -p --json-int all tank'));
  await r.record('zpool-get-j-vdev', words(`zpool get -j -p --json-int all tank ${by(1).replace('/dev/disk/by-id/', '')}`));
  await r.record('zpool-get-bad-property', words('zpool get -j nosuch tank'));
  await r.record('zpool-set-ok', words('zpool set autotrim=off tank'));
  await r.record('zpool-set-comment-ok', words('zpool set', 'comment=the big one', 'tank'));
  await r.record('zpool-set-user-property-ok', words('zpool set org.dplaneos:managed=yes tank'));
  await r.record('zpool-set-invalid-value', words('zpool set autotrim=perhaps tank'));
  await r.record('zpool-set-unknown-property', words('zpool set nosuch=1 tank'));
  await r.record('zpool-set-readonly-property', words('zpool set size=1 tank'));
  await r.record('zpool-iostat-hp', words('zpool iostat -Hp -v tank'));
  await r.record('zpool-history-il', words('zpool history -il tank'));
  await r.record('zpool-events-h', words('zpool events -H'));
  await r.record('zpool-events-hv', words('zpool events -Hv'));
  await r.record('zpool-upgrade-list', words('zpool upgrade'));
  await r.record('zpool-wait-idle', words('zpool wait -t scrub,resilver tank'));
  await disks(r, 'with-pool');
}

export async function scrubAndTrouble(r: Recorder): Promise<void> {
  await r.script('for i in 1 2 3; do head -c 20000000 /dev/urandom > /mnt/tank/fill$i; done; zpool sync tank');
  await r.script(`echo 1 > ${SUSPEND}`);
  await r.record('zpool-scrub-ok', words('zpool scrub tank'));
  await statusForms(r, 'scrub-running', 'tank');
  await r.record('zpool-scrub-already-running', words('zpool scrub tank'));
  await r.record('zpool-scrub-pause-ok', words('zpool scrub -p tank'));
  await statusForms(r, 'scrub-paused', 'tank');
  await r.record('zpool-scrub-resume-ok', words('zpool scrub tank'));
  await r.record('zpool-scrub-stop-ok', words('zpool scrub -s tank'));
  await statusForms(r, 'scrub-cancelled', 'tank');
  await r.record('zpool-scrub-stop-none-running', words('zpool scrub -s tank'));
  await r.script(`echo 0 > ${SUSPEND}`);
  await r.record('zpool-scrub-wait-ok', words('zpool scrub -w tank'));
  await statusForms(r, 'scrub-finished', 'tank');

  await r.record('zpool-offline-ok', words(`zpool offline tank ${by(2)}`));
  await statusForms(r, 'degraded-offline', 'tank');
  await r.record('zpool-offline-last-replica', words(`zpool offline tank ${by(1)}`));
  await r.record('zpool-offline-missing-disk', words(`zpool offline tank ${by(7)}`));
  await r.script('for i in 4 5; do head -c 20000000 /dev/urandom > /mnt/tank/fill$i; done; zpool sync tank');
  await r.script(`echo 1 > ${SUSPEND}`);
  await r.record('zpool-online-ok', words(`zpool online tank ${by(2)}`));
  await r.script('for i in $(seq 50); do zpool status tank | grep -q "resilver in progress" && exit 0; sleep 0.2; done; exit 0');
  await statusForms(r, 'resilver-running', 'tank');
  await r.record('zpool-scrub-while-resilvering', words('zpool scrub tank'));
  await r.script(`echo 0 > ${SUSPEND}`);
  await r.prepare(words('zpool wait -t resilver tank'));
  await statusForms(r, 'resilver-finished', 'tank');

  await r.script(
    `dd if=/dev/zero of=${by(2)}-part1 bs=1M seek=20 count=60 conv=notrunc,fsync status=none; echo 3 > /proc/sys/vm/drop_caches`,
  );
  await r.prepare(words('zpool scrub -w tank'));
  await statusForms(r, 'checksum-errors', 'tank');
  await r.record('zpool-events-hv-checksum', words('zpool events -Hv tank'));
  await r.record('zpool-clear-ok', words('zpool clear tank'));
  await r.record('zpool-clear-missing-disk', words(`zpool clear tank ${by(7)}`));

  await r.record('zpool-replace-in-use', words(`zpool replace tank ${by(2)} ${by(1)}`));
  await r.record('zpool-replace-missing-new', words(`zpool replace tank ${by(2)} ${by(99)}`));
  await r.script(`echo 1 > ${SUSPEND}`);
  await r.record('zpool-replace-ok', words(`zpool replace tank ${by(2)} ${by(3)}`));
  await statusForms(r, 'replacing', 'tank');
  await r.script(`echo 0 > ${SUSPEND}`);
  await r.prepare(words('zpool wait -t replace tank'));
  await r.record('zpool-attach-ok', words(`zpool attach tank ${by(1)} ${by(2)}`));
  await r.prepare(words('zpool wait -t resilver tank'));
  await statusForms(r, 'three-way-mirror', 'tank');
  await r.record('zpool-detach-ok', words(`zpool detach tank ${by(3)}`));
  await r.prepare(words(`zpool offline tank ${by(2)}`));
  await r.record('zpool-detach-last-healthy', words(`zpool detach tank ${by(1)}`));
  await r.prepare(words(`zpool online tank ${by(2)}`));
  await r.prepare(words('zpool wait -t resilver tank'));
  await r.record('zpool-trim-ok', words('zpool trim tank'));
  await statusForms(r, 'trimming', 'tank');
  await r.prepare(words('zpool wait -t trim tank'));
}

export async function otherLayouts(r: Recorder): Promise<void> {
  await r.record(
    'zpool-create-raidz-ok',
    words(`zpool create -f -o ashift=12 -O mountpoint=/mnt/big big raidz ${by(3)} ${by(4)} ${by(5)}`),
  );
  await statusForms(r, 'raidz', 'big');
  await r.record('zpool-add-log-ok', words(`zpool add -f big log ${by(6)}`));
  await r.record('zpool-add-cache-ok', words(`zpool add -f big cache ${by(7)}`));
  await r.record('zpool-add-special-mismatch', words(`zpool add big special ${by(8)}`));
  await r.record('zpool-add-special-ok', words(`zpool add -f big special mirror ${by(8)} ${by(9)}`));
  await r.record('zpool-add-spare-ok', words(`zpool add -f big spare ${by(10)}`));
  await r.record('zpool-add-dry-run', words(`zpool add -n -f big spare ${by(11)}`));
  await r.record('zpool-add-in-use', words(`zpool add big spare ${by(3)}`));
  await statusForms(r, 'log-cache-special-spare', 'big');
  await r.record('zpool-list-j-verbose-log-cache-special-spare', words('zpool list -j -p --json-int -v big'));
  await r.prepare(words(`zpool offline big ${by(4)}`));
  await statusForms(r, 'raidz-degraded', 'big');
  await r.prepare(words(`zpool replace big ${by(4)} ${by(10)}`));
  await r.prepare(words('zpool wait -t resilver big'));
  await statusForms(r, 'spare-in-use', 'big');
  await r.record('zpool-list-j-two-pools', words('zpool list -j -p --json-int'));
  await r.record('zpool-status-j-two-pools', words('zpool status -j --json-int --json-flat-vdevs'));
  await r.record('zpool-remove-log-ok', words(`zpool remove big ${by(6)}`));
  await r.record('zpool-remove-raidz-refused', words(`zpool remove big raidz1-0`));
  await r.prepare(words('zpool destroy big'));

  await r.prepare(words(`zpool create -f -O mountpoint=/mnt/lone lone ${by(5)}`));
  await r.script(`head -c 250000000 /dev/urandom > /mnt/lone/photo.raw; zpool sync lone`);
  await r.script(
    `dd if=/dev/zero of=${by(5)}-part1 bs=1M seek=180 count=30 conv=notrunc,fsync status=none; echo 3 > /proc/sys/vm/drop_caches`,
  );
  await r.guest(words('zpool scrub -w lone'));
  await statusForms(r, 'data-errors', 'lone');
  await r.prepare(words('zpool export lone'));
  await r.script(`dd if=/dev/zero of=${by(5)}-part1 bs=1M seek=5 count=400 conv=notrunc,fsync status=none`);
  await r.record('zpool-import-overwritten-in-the-middle', words('zpool import -d /dev/disk/by-id lone'));
  await r.script(`zpool destroy -f lone || zpool labelclear -f ${by(5)}-part1; wipefs -qa ${by(5)}; blockdev --rereadpt ${by(5)}`);
}

/** Pools with disks gone, and pools of other machines. */
export async function missingDisks(r: Recorder): Promise<void> {
  await r.prepare(words(`zpool create -f -O mountpoint=/mnt/pair pair mirror ${by(6)} ${by(7)} mirror ${by(8)} ${by(9)}`));
  await statusForms(r, 'two-mirrors', 'pair');
  await r.record('zpool-checkpoint-ok', words('zpool checkpoint pair'));
  await statusForms(r, 'checkpoint', 'pair');
  await r.prepare(words('zpool export pair'));
  await r.script(`for d in ${by(8)} ${by(9)}; do zpool labelclear -f $d-part1; wipefs -qa $d; done; udevadm settle`);
  await r.record('zpool-import-list-disks-missing', words('zpool import -d /dev/disk/by-id'));
  await r.record('zpool-import-disks-missing', words('zpool import -d /dev/disk/by-id pair'));
  await r.prepare(words(`zpool create -f -O mountpoint=/mnt/half half mirror ${by(8)} ${by(9)}`));
  await r.prepare(words('zpool export half'));
  await r.script(`zpool labelclear -f ${by(9)}-part1; wipefs -qa ${by(9)}; udevadm settle`);
  await r.record('zpool-import-list-degraded', words('zpool import -d /dev/disk/by-id'));
  await r.record('zpool-import-degraded-ok', words('zpool import -d /dev/disk/by-id half'));
  await statusForms(r, 'degraded-disk-missing', 'half');
  await r.prepare(words('zpool destroy half'));
  await r.script(
    `mkdir -p /var/tmp/here /var/tmp/there; truncate -s 128M /var/tmp/here/file; echo 286331153 > ${HOSTID}
     zpool create -O mountpoint=/mnt/away away /var/tmp/here/file; zpool sync away
     cp /var/tmp/here/file /var/tmp/there/file; zpool destroy away; echo 572662306 > ${HOSTID}`,
  );
  await r.record('zpool-import-list-other-host', words('zpool import -d /var/tmp/there'));
  await r.record('zpool-import-other-host', words('zpool import -d /var/tmp/there away'));
  await r.record('zpool-import-other-host-forced', words('zpool import -f -d /var/tmp/there away'));
  await r.script(`zpool destroy away; rm -r /var/tmp/here /var/tmp/there; echo 0 > ${HOSTID}`);
}
