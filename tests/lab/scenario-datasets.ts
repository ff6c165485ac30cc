/** Recordings about filesystems, volumes, snapshots, holds, clones and properties; needs the pool `tank`. */
import { namesArgv } from '../../control/src/host/zfs/snapshots.ts';
import { type Recorder, words } from './recorder.ts';
import { by } from './scenario-pools.ts';

export const COLUMNS =
  'name,type,guid,createtxg,creation,used,available,referenced,usedbysnapshots,usedbydataset,usedbychildren,logicalused,compressratio,mounted,mountpoint,compression,recordsize,quota,refquota,reservation,refreservation,atime,sync,xattr,acltype,readonly,snapdir,dedup,copies,checksum,encryption,keystatus,keyformat,origin,volsize,volblocksize,canmount,casesensitivity,logbias,primarycache,secondarycache,exec,setuid,devices,special_small_blocks';
const SNAP_COLUMNS = 'name,guid,createtxg,creation,used,referenced,userrefs,org.dplaneos:schedule';

export async function create(r: Recorder): Promise<void> {
  await r.record('zfs-create-ok', words('zfs create tank/media'));
  await r.record(
    'zfs-create-with-properties-ok',
    words('zfs create -o compression=zstd -o recordsize=1M -o quota=100M -o org.dplaneos:purpose=films tank/media/films'),
  );
  await r.record('zfs-create-spaces-ok', words('zfs create', 'tank/media/My Holiday 2024'));
  await r.record('zfs-create-parents-ok', words('zfs create -p tank/a/b/c'));
  await r.record('zfs-create-parents-exists-ok', words('zfs create -p tank/a/b/c'));
  await r.record('zfs-create-exists', words('zfs create tank/media'));
  await r.record('zfs-create-missing-parent', words('zfs create tank/nosuch/child'));
  await r.record('zfs-create-missing-pool', words('zfs create nosuch/child'));
  await r.record('zfs-create-bad-name-character', words('zfs create', 'tank/ba*d'));
  await r.record('zfs-create-bad-name-umlaut', words('zfs create', 'tank/müsli'));
  await r.record('zfs-create-bad-name-empty-part', words('zfs create tank//x'));
  await r.record('zfs-create-bad-name-leading-slash', words('zfs create /tank/x'));
  await r.record('zfs-create-bad-name-trailing-slash', words('zfs create tank/x/'));
  await r.record('zfs-create-bad-name-dotdot', words('zfs create tank/..'));
  await r.record('zfs-create-bad-name-at', words('zfs create tank/x@y'));
  await r.record('zfs-create-bad-name-too-long', words('zfs create', `tank/${'x'.repeat(260)}`));
  await r.record('zfs-create-pool-name-only', words('zfs create tank'));
  await r.record('zfs-create-bad-value', words('zfs create -o compression=nosuch tank/x'));
  await r.record('zfs-create-bad-property', words('zfs create -o nosuch=1 tank/x'));
  await r.record('zfs-create-readonly-property', words('zfs create -o used=1 tank/x'));
  await r.record('zfs-create-bad-recordsize', words('zfs create -o recordsize=100000 tank/x'));
  await r.record('zfs-create-mountpoint-relative', words('zfs create -o mountpoint=relative tank/x'));
  await r.record('zfs-create-volume-ok', words('zfs create -V 16M tank/vol'));
  await r.record('zfs-create-volume-sparse-ok', words('zfs create -s -V 64M -o volblocksize=16K tank/sparse'));
  await r.record('zfs-create-volume-too-large', words('zfs create -V 900G tank/huge'));
  await r.record('zfs-create-volume-odd-size-ok', words('zfs create -V 12345 tank/odd'));
  await r.record('zfs-create-volume-bad-blocksize', words('zfs create -V 16M -o volblocksize=3K tank/odd'));
  await r.record('zfs-create-child-of-volume', words('zfs create tank/vol/child'));
  await r.record('zfs-create-mountpoint-taken-ok', words('zfs create -o mountpoint=/mnt/tank/media tank/double'));
  await r.guest(words('zfs destroy tank/double'));
  await r.record('zfs-create-mountpoint-not-empty-ok', words('zfs create -o mountpoint=/var/log tank/overlog'));
  await r.guest(words('zfs destroy tank/overlog'));
  await r.guest(words('zfs destroy tank/odd'));
  await r.record(
    'zfs-create-encrypted-passphrase-ok',
    words('zfs create -o encryption=on -o keyformat=passphrase tank/secret'),
    'correct horse\ncorrect horse\n',
  );
  await r.record(
    'zfs-create-encrypted-short-passphrase',
    words('zfs create -o encryption=on -o keyformat=passphrase tank/secret2'),
    'short\nshort\n',
  );
  await r.script('head -c 32 /dev/urandom > /var/tmp/raw.key');
  await r.record(
    'zfs-create-encrypted-raw-ok',
    words('zfs create -o encryption=aes-256-gcm -o keyformat=raw -o keylocation=file:///var/tmp/raw.key tank/sealed'),
  );
  await r.record('zfs-create-encrypted-no-keyformat', words('zfs create -o encryption=on tank/secret3'));
  await r.record('zfs-unload-key-busy', words('zfs unload-key tank/secret'));
  await r.prepare(words('zfs unmount tank/secret'));
  await r.record('zfs-unload-key-ok', words('zfs unload-key tank/secret'));
  await r.record('zfs-mount-key-not-loaded', words('zfs mount tank/secret'));
  await r.record('zfs-load-key-wrong', words('zfs load-key tank/secret'), 'wrong horse\n');
  await r.record('zfs-load-key-ok', words('zfs load-key tank/secret'), 'correct horse\n');
  await r.record('zfs-load-key-already', words('zfs load-key tank/secret'), 'correct horse\n');
  await r.record('zfs-mount-ok', words('zfs mount tank/secret'));
  await r.record('zfs-mount-already', words('zfs mount tank/secret'));
  await r.record('zfs-change-key-ok', words('zfs change-key tank/secret'), 'another horse\nanother horse\n');
  await r.prepare(words('zfs unmount tank/secret'));
  await r.prepare(words('zfs unload-key tank/secret'));
  await r.record('zfs-unmount-not-mounted', words('zfs unmount tank/secret'));
}

/** The form the adapters use: exact decimal strings everywhere. See the README beside the fixtures. */
async function exact(r: Recorder): Promise<void> {
  await r.record('zfs-list-jp-one-recursive', words(`zfs list -j -p -o ${COLUMNS} -r -t filesystem,volume tank/media`));
  await r.record('zfs-list-jp-spaces', words(`zfs list -j -p -o ${COLUMNS}`, 'tank/media/My Holiday 2024'));
  await r.record('zfs-list-jp-all-types', words('zfs list -j -p -t all -o name,type,guid,used'));
  await r.record('zfs-list-jp-user-property', words('zfs list -j -p -o name,org.dplaneos:purpose,org.dplaneos:none'));
  await r.record('zfs-get-jp-all', words('zfs get -j -p all tank/media/films'));
  await r.record('zfs-get-jp-all-volume', words('zfs get -j -p all tank/vol'));
  await r.record('zfs-get-jp-all-encrypted', words('zfs get -j -p all tank/sealed'));
  await r.record('zfs-get-jp-all-received', words('zfs get -j -p all tank/copy'));
  await r.record('zfs-get-jp-all-snapshot', words('zfs get -j -p all tank/media@received'));
  await r.record('zfs-get-jp-recursive', words('zfs get -j -p -r -t filesystem,volume compression,quota tank'));
  await r.record('zfs-list-jp-snapshots', words(`zfs list -j -p -t snapshot -o ${SNAP_COLUMNS}`));
}

export async function list(r: Recorder): Promise<void> {
  await r.script(
    'head -c 3000000 /dev/urandom > /mnt/tank/media/song; zfs snapshot tank/media@received; zfs set recordsize=64K tank/media; zpool sync tank',
  );
  await r.script(
    'zfs snapshot tank/a@s; zfs set atime=off tank/a; zfs snapshot tank/a@p; zfs send -p tank/a@p | zfs receive -o readonly=on tank/copy; zpool sync tank',
  );
  await exact(r);
  await r.record('zfs-list-j-filesystems', words(`zfs list -j -p -o ${COLUMNS} -t filesystem,volume`));
  await r.record('zfs-list-j-filesystems-json-int', words(`zfs list -j -p --json-int -o ${COLUMNS} -t filesystem,volume`));
  await r.record('zfs-list-j-one-recursive', words(`zfs list -j -p --json-int -o ${COLUMNS} -r -t filesystem,volume tank/media`));
  await r.record('zfs-list-j-spaces', words(`zfs list -j -p --json-int -o ${COLUMNS}`, 'tank/media/My Holiday 2024'));
  await r.record('zfs-list-j-no-flags', words('zfs list -j'));
  await r.record('zfs-list-j-all-types', words('zfs list -j -p --json-int -t all -o name,type,guid,used'));
  await r.record('zfs-list-j-user-property', words('zfs list -j -p --json-int -o name,org.dplaneos:purpose,org.dplaneos:none'));
  await r.record('zfs-list-j-missing', words('zfs list -j tank/nosuch'));
  await r.record('zfs-list-hp-missing', words('zfs list -Hp tank/nosuch'));
  await r.record('zfs-list-j-missing-pool', words('zfs list -j nosuch/x'));
  await r.record('zfs-list-bad-column', words('zfs list -j -o nosuch'));
  await r.record('zfs-list-hp-filesystems', words(`zfs list -Hp -t filesystem,volume -o ${COLUMNS}`));
  await r.record('zfs-get-j-all', words('zfs get -j all tank/media/films'));
  await r.record('zfs-get-j-all-json-int', words('zfs get -j -p --json-int all tank/media/films'));
  await r.record('zfs-get-j-all-volume', words('zfs get -j -p --json-int all tank/vol'));
  await r.record('zfs-get-j-all-encrypted', words('zfs get -j -p --json-int all tank/sealed'));
  await r.record('zfs-get-j-all-received', words('zfs get -j -p --json-int all tank/copy'));
  await r.record('zfs-get-j-recursive', words('zfs get -j -p --json-int -r -t filesystem,volume compression,quota tank'));
  await r.record('zfs-get-j-source-local', words('zfs get -j -p --json-int -s local all tank/media/films'));
  await r.record('zfs-get-hp-all', words('zfs get -Hp all tank/media/films'));
  await r.record('zfs-get-missing', words('zfs get -j all tank/nosuch'));
  await r.record('zfs-get-bad-property', words('zfs get -j nosuch tank'));
  await r.record('zfs-get-j-snapshot', words('zfs get -j -p --json-int all tank/media@received'));
  await r.record('zfs-userspace-hp', words('zfs userspace -Hp tank/media'));
  await r.record('zfs-mount-list-j', words('zfs mount -j'));
}

export async function properties(r: Recorder): Promise<void> {
  await r.record('zfs-set-ok', words('zfs set compression=zstd-9 tank/media'));
  await r.record('zfs-set-several-ok', words('zfs set atime=off sync=always tank/media'));
  await r.record('zfs-set-user-property-spaces-ok', words('zfs set', 'org.dplaneos:note=two words, ümlaut', 'tank/media'));
  await r.record('zfs-set-invalid-value', words('zfs set compression=nosuch tank/media'));
  await r.record('zfs-set-unknown-property', words('zfs set nosuch=1 tank/media'));
  await r.record('zfs-set-readonly-property', words('zfs set used=1 tank/media'));
  await r.record('zfs-set-once-only-property', words('zfs set casesensitivity=insensitive tank/media'));
  await r.record('zfs-set-wrong-type', words('zfs set volsize=16M tank/media'));
  await r.record('zfs-set-missing-dataset', words('zfs set atime=off tank/nosuch'));
  await r.record('zfs-set-quota-ok', words('zfs set quota=200M tank/media'));
  await r.record('zfs-set-quota-below-used', words('zfs set quota=1M tank/media'));
  await r.record('zfs-set-quota-not-a-number', words('zfs set quota=lots tank/media'));
  await r.record('zfs-set-refquota-below-used', words('zfs set refquota=1M tank/media'));
  await r.record('zfs-set-reservation-too-large', words('zfs set reservation=900G tank/media'));
  await r.record('zfs-set-reservation-above-quota', words('zfs set reservation=250M tank/media'));
  await r.record('zfs-set-volsize-ok', words('zfs set volsize=24M tank/vol'));
  await r.record('zfs-set-volsize-bad', words('zfs set volsize=12345 tank/vol'));
  await r.record('zfs-set-recordsize-bad', words('zfs set recordsize=100000 tank/media'));
  await r.record('zfs-set-mountpoint-ok', words('zfs set mountpoint=/mnt/elsewhere tank/a'));
  await r.record('zfs-inherit-mountpoint-ok', words('zfs inherit mountpoint tank/a'));
  await r.record('zfs-inherit-ok', words('zfs inherit compression tank/media'));
  await r.record('zfs-inherit-recursive-ok', words('zfs inherit -r recordsize tank/media'));
  await r.record('zfs-inherit-user-property-ok', words('zfs inherit org.dplaneos:note tank/media'));
  await r.record('zfs-inherit-received-ok', words('zfs inherit -S atime tank/copy'));
  await r.record('zfs-inherit-not-inheritable', words('zfs inherit quota tank/media'));
  await r.record('zfs-inherit-unknown-property', words('zfs inherit nosuch tank/media'));
  await r.record('zfs-inherit-missing-dataset', words('zfs inherit atime tank/nosuch'));
  await r.record('zfs-create-over-quota', words('zfs create -V 400M tank/media/toolarge'));
}

export async function snapshots(r: Recorder): Promise<void> {
  await r.prepare(words('zfs create tank/docs'));
  await r.prepare(words('zfs create tank/docs/sub'));
  await r.script('echo one > /mnt/tank/docs/a');
  await r.record('zfs-snapshot-ok', words('zfs snapshot tank/docs@one'));
  await r.record('zfs-snapshot-recursive-ok', words('zfs snapshot -r tank/docs@two'));
  await r.record('zfs-snapshot-several-ok', words('zfs snapshot tank/docs@m1 tank/docs/sub@m1'));
  await r.record('zfs-snapshot-spaces-ok', words('zfs snapshot', 'tank/media/My Holiday 2024@GMT-2026.11.20-18.00.00'));
  await r.record('zfs-snapshot-user-property-ok', words('zfs snapshot -o org.dplaneos:schedule=daily tank/docs@daily'));
  await r.record('zfs-snapshot-exists', words('zfs snapshot tank/docs@one'));
  await r.record('zfs-snapshot-recursive-one-exists', words('zfs snapshot -r tank/docs@one'));
  await r.record('zfs-snapshot-missing-dataset', words('zfs snapshot tank/nosuch@x'));
  await r.record('zfs-snapshot-missing-pool', words('zfs snapshot nosuch@x'));
  await r.record('zfs-snapshot-bad-name', words('zfs snapshot', 'tank/docs@a*b'));
  await r.record('zfs-snapshot-no-at', words('zfs snapshot tank/docs'));
  await r.script(
    "echo two > /mnt/tank/docs/a; rm -f /mnt/tank/docs/b; echo new > /mnt/tank/docs/c; mv /mnt/tank/docs/c '/mnt/tank/docs/d e'",
  );
  await r.prepare(words('zfs snapshot tank/docs@three'));
  await r.record('zfs-diff-ok', words('zfs diff -FHt tank/docs@one tank/docs@three'));
  await r.record('zfs-hold-ok', words('zfs hold keep tank/docs@one'));
  await r.record('zfs-hold-second-tag-ok', words('zfs hold backup:weekly tank/docs@one'));
  await r.record('zfs-hold-recursive-ok', words('zfs hold -r keep tank/docs@two'));
  await r.record('zfs-hold-repeated-tag', words('zfs hold keep tank/docs@one'));
  await r.record('zfs-hold-missing-snapshot', words('zfs hold keep tank/docs@nosuch'));
  await r.record('zfs-hold-not-a-snapshot', words('zfs hold keep tank/docs'));
  await r.record('zfs-hold-tag-too-long', words('zfs hold', 't'.repeat(300), 'tank/docs@one'));
  await r.record('zfs-holds-hp', words('zfs holds -Hp tank/docs@one tank/docs@two tank/docs@three'));
  await r.record('zfs-holds-hp-recursive', words('zfs holds -Hp -r tank/docs@two'));
  await r.record('zfs-holds-hp-none', words('zfs holds -Hp tank/docs@three'));
  await r.record('zfs-holds-h', words('zfs holds -H tank/docs@one'));
  await r.record('zfs-holds-j', words('zfs holds -j tank/docs@one'));
  await r.record('zfs-holds-missing', words('zfs holds -Hp tank/docs@nosuch'));
  await r.record('zfs-list-snapshots-hp', words(`zfs list -Hp -t snapshot -o ${SNAP_COLUMNS}`));
  await r.record('zfs-list-snapshots-hp-one-dataset', words(`zfs list -Hp -d 1 -t snapshot -o ${SNAP_COLUMNS} tank/docs`));
  await r.record('zfs-list-snapshots-names-several', namesArgv(['tank/docs', 'tank/media', 'tank/docs/sub']));
  await r.record('zfs-list-snapshots-j', words(`zfs list -j -p --json-int -t snapshot -o ${SNAP_COLUMNS},org.dplaneos:schedule`));
  await r.record('zfs-list-snapshots-hp-clones', words('zfs list -Hp -t snapshot -o name,clones,defer_destroy tank/docs'));
  await r.record('zfs-bookmark-ok', words('zfs bookmark tank/docs@three tank/docs#three'));
  await r.record(
    'zfs-list-newer-hp',
    words('zfs list -Hp -t snapshot,bookmark -d 1 -o name,guid,createtxg,creation,userrefs,clones tank/docs'),
  );
  await r.record('zfs-bookmark-exists', words('zfs bookmark tank/docs@three tank/docs#three'));
  await r.record('zfs-list-bookmarks-hp', words('zfs list -Hp -t bookmark -o name,guid,createtxg,creation'));
  await r.record('zfs-rollback-newer-exist', words('zfs rollback tank/docs@two'));
  await r.record('zfs-rollback-ok', words('zfs rollback tank/docs@three'));
  await r.record('zfs-rollback-newer-held', words('zfs rollback -r tank/docs@one'));
  await r.record('zfs-rollback-missing', words('zfs rollback tank/docs@nosuch'));
  await r.record('zfs-list-snapshots-hp-after-refused-rollback', words(`zfs list -Hp -d 1 -t snapshot -o ${SNAP_COLUMNS} tank/docs`));
  await r.script(
    'zfs destroy -r tank/docs@m1 || true; zfs snapshot -r tank/docs@m1; for s in three daily; do zfs snapshot tank/docs@$s || true; done',
  );
  await r.record('zfs-destroy-held', words('zfs destroy tank/docs@one'));
  await r.record('zfs-destroy-held-deferred-ok', words('zfs destroy -d tank/docs@two'));
  await r.record('zfs-list-snapshots-hp-deferred', words('zfs list -Hp -t snapshot -o name,userrefs,defer_destroy tank/docs'));
  await r.record('zfs-destroy-several-one-held', words('zfs destroy tank/docs@one,three'));
  await r.record('zfs-release-ok', words('zfs release keep tank/docs@one'));
  await r.record('zfs-release-missing-tag', words('zfs release keep tank/docs@one'));
  await r.record('zfs-release-missing-snapshot', words('zfs release keep tank/docs@nosuch'));
  await r.record('zfs-release-recursive-ok', words('zfs release -r keep tank/docs@two'));
  await r.record('zfs-list-snapshots-hp-after-deferred-release', words(`zfs list -Hp -d 1 -t snapshot -o ${SNAP_COLUMNS} tank/docs`));
  await r.script('zfs destroy -r tank/docs@m1; for s in two four; do zfs snapshot tank/docs@$s || true; done');
  await r.prepare(words('zfs release backup:weekly tank/docs@one'));
  await r.record('zfs-destroy-snapshot-dry-run', words('zfs destroy -nvp tank/docs@one%three'));
  await r.record('zfs-destroy-snapshot-range-dry-run', words('zfs destroy -nvp tank/docs@%'));
  await r.record('zfs-destroy-snapshot-ok', words('zfs destroy tank/docs@daily'));
  await r.record('zfs-destroy-snapshot-missing', words('zfs destroy tank/docs@nosuch'));
  await r.record('zfs-rollback-destroying-newer-ok', words('zfs rollback -r tank/docs@two'));
}

export async function clonesAndRenames(r: Recorder): Promise<void> {
  await r.record('zfs-clone-ok', words('zfs clone tank/docs@two tank/docs-clone'));
  await r.record('zfs-clone-with-properties-ok', words('zfs clone -o readonly=on tank/docs@two tank/docs-clone-ro'));
  await r.record('zfs-clone-exists', words('zfs clone tank/docs@two tank/docs-clone'));
  await r.record('zfs-clone-missing-snapshot', words('zfs clone tank/docs@nosuch tank/x'));
  await r.record('zfs-clone-missing-parent', words('zfs clone tank/docs@two tank/nosuch/x'));
  await r.record('zfs-list-j-clone', words(`zfs list -j -p --json-int -o ${COLUMNS} tank/docs-clone`));
  await r.record('zfs-list-jp-clone', words(`zfs list -j -p -o ${COLUMNS} tank/docs-clone`));
  await r.record('zfs-get-jp-clones', words('zfs get -j -p clones tank/docs@two'));
  await r.record('zfs-get-j-clones', words('zfs get -j -p --json-int clones tank/docs@two'));
  await r.record('zfs-destroy-snapshot-with-clone', words('zfs destroy tank/docs@two'));
  await r.record('zfs-destroy-snapshot-with-clone-dry-run', words('zfs destroy -nvp tank/docs@two'));
  await r.record('zfs-destroy-dataset-with-clone', words('zfs destroy -r tank/docs'));
  await r.record('zfs-rollback-newer-has-clone', words('zfs rollback -r tank/docs@one'));
  await r.record('zfs-promote-ok', words('zfs promote tank/docs-clone'));
  await r.record('zfs-promote-not-a-clone', words('zfs promote tank/docs-clone'));
  await r.record('zfs-promote-missing', words('zfs promote tank/nosuch'));
  await r.record(
    'zfs-list-j-promoted',
    words('zfs list -j -p --json-int -t all -o name,type,origin,guid -r tank/docs tank/docs-clone tank/docs-clone-ro'),
  );
  await r.prepare(words('zfs promote tank/docs'));

  await r.prepare(words('zfs create tank/old'));
  await r.prepare(words('zfs snapshot tank/old@s'));
  await r.record('zfs-rename-ok', words('zfs rename tank/old tank/new'));
  await r.record('zfs-rename-target-exists', words('zfs rename tank/new tank/media'));
  await r.record('zfs-rename-missing', words('zfs rename tank/nosuch tank/x'));
  await r.record('zfs-rename-missing-parent', words('zfs rename tank/new tank/nosuch/new'));
  await r.record('zfs-rename-parents-ok', words('zfs rename -p tank/new tank/made/new'));
  await r.record('zfs-rename-into-itself', words('zfs rename tank/made tank/made/new/deep'));
  await r.record('zfs-rename-bad-name', words('zfs rename tank/made', 'tank/ma*de'));
  await r.record('zfs-rename-across-pools', words('zfs rename tank/made other/made'));
  await r.record('zfs-rename-snapshot-ok', words('zfs rename tank/made/new@s tank/made/new@t'));
  await r.guest(words('zfs snapshot tank/docs@two'));
  await r.record('zfs-rename-snapshot-exists', words('zfs rename tank/docs@one tank/docs@two'));
  await r.record('zfs-rename-snapshot-recursive-exists', words('zfs rename -r tank/docs@two @three'));
  await r.record('zfs-rename-snapshot-recursive-ok', words('zfs rename -r tank/docs@two @renamed'));
  const holding = r.longInGuest(['sh', '-c', 'cd /mnt/tank/made/new && echo > .held && exec sleep 300']);
  await r.script('for i in $(seq 100); do [ -e /mnt/tank/made/new/.held ] && exit 0; sleep 0.2; done; exit 1');
  await r.record('zfs-rename-busy', words('zfs rename tank/made/new tank/moved'));
  await r.record('zfs-unmount-busy', words('zfs unmount tank/made/new'));
  await r.record('zfs-destroy-busy', words('zfs destroy -r tank/made/new'));
  await r.script('pkill -x sleep; true');
  holding.kill();
  await holding.ended;

  await r.record('zfs-destroy-has-children', words('zfs destroy tank/made'));
  await r.guest(words('zfs snapshot tank/made/new@again'));
  await r.record('zfs-destroy-has-snapshots', words('zfs destroy tank/made/new'));
  await r.record('zfs-destroy-dry-run', words('zfs destroy -nvp -r tank/made'));
  await r.record('zfs-destroy-recursive-ok', words('zfs destroy -r tank/made'));
  await r.record('zfs-destroy-missing', words('zfs destroy tank/made'));
  await r.record('zfs-destroy-missing-pool', words('zfs destroy nosuch/made'));
  await r.record('zfs-destroy-pool-root', words('zfs destroy tank'));
  await r.record('zfs-destroy-volume-ok', words('zfs destroy tank/sparse'));
  await r.prepare(words('zfs destroy tank/docs-clone-ro'));
  await r.record('zfs-destroy-ok', words('zfs destroy tank/docs-clone'));
}

export async function sendReceive(r: Recorder): Promise<void> {
  await r.record('zfs-send-dry-run', words('zfs send -nvP -c tank/media@received'));
  await r.record('zfs-send-missing-snapshot', words('zfs send -nvP tank/media@nosuch'));
  await r.script('(zfs send tank/media@received | head -c 1000000 | zfs receive -s tank/partial) 2>/dev/null || true');
  await r.record('zfs-get-j-receive-resume-token', words('zfs get -j -p --json-int receive_resume_token tank/partial'));
  const token = (await r.prepare(words('zfs get -H -o value receive_resume_token tank/partial'))).trim();
  await r.record('zfs-send-resume-dry-run', words(`zfs send -nvP -t ${token}`));
  await r.record('zfs-send-bad-token', words('zfs send -nvP -t 1-nosuch'));
  await r.record('zfs-receive-abort-ok', words('zfs receive -A tank/partial'));
  await r.script('zfs send tank/media@received > /var/tmp/stream; head -c 100000 /dev/zero > /var/tmp/junk');
  await r.record('zfs-receive-exists', words('sh -c', 'zfs receive -v tank/copy < /var/tmp/stream'));
  await r.record('zfs-receive-junk', words('sh -c', 'zfs receive tank/x < /var/tmp/junk'));
  await r.record('zfs-receive-ok', words('sh -c', 'zfs receive -v tank/got < /var/tmp/stream'));
  await r.script('rm /var/tmp/stream /var/tmp/junk; zfs destroy -r tank/got');
  await r.record('zfs-allow-ok', words('zfs allow -u nobody snapshot,hold tank/media'));
  await r.record('zfs-allow-list', words('zfs allow tank/media'));
  await r.record('zfs-unallow-ok', words('zfs unallow -u nobody tank/media'));
}

export async function suspended(r: Recorder): Promise<void> {
  await r.prepare(
    words(`zpool create -f -o failmode=wait -O mountpoint=/mnt/weak weak /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_nas-scsi1`),
  );
  await r.script(
    'echo x > /mnt/weak/x; zpool sync weak; d=$(basename $(readlink -f /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_nas-scsi1)); echo 1 > /sys/block/$d/device/delete; (echo y > /mnt/weak/y; timeout 20 zpool sync weak) >/dev/null 2>&1 & sleep 15',
  );
  await r.record('zpool-status-j-suspended', words('zpool status -j --json-int weak'));
  await r.record('zpool-status-j-flat-suspended', words('zpool status -j --json-int --json-flat-vdevs weak'));
  await r.record('zpool-status-text-suspended', words('zpool status -v weak'));
  await r.record('zpool-list-j-suspended', words('zpool list -j -p --json-int weak'));
}

export async function foreignPoolForRename(r: Recorder): Promise<void> {
  await r.prepare(words(`zpool create -f -O mountpoint=/mnt/other other ${by(11)}`));
}

/** The datasets part can be made again by itself. */
export async function reset(r: Recorder): Promise<void> {
  await r.script('for d in $(zfs list -Ho name -d 1 -r tank | tail -n +2); do zfs destroy -R $d; done');
}
