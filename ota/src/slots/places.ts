/** Where everything is, in one value. With a root prefix (tests) all of it moves there, and slots may be plain files. */
import type { SlotName } from '../../../control/src/domain/slot/slot.ts';

export type Places = {
  /** Below a prefix nothing is a mounted file system or a partition, so that isn't asked. */
  readonly pretend: boolean;
  readonly esp: string;
  readonly state: string;
  readonly history: string;
  readonly keys: string;
  readonly revoked: string;
  readonly baseline: string;
  /** Of this start, as it is now. */
  readonly verdict: string;
  /** Is there once this start was on trial and is confirmed. */
  readonly blessed: string;
  /** Of starts that failed, by boot id. */
  readonly verdicts: string;
  readonly run: string;
  readonly status: string;
  readonly progress: string;
  readonly request: string;
  readonly stream: string;
  readonly lock: string;
  readonly system: string;
  readonly imageKeys: string;
  readonly imageRevoked: string;
  readonly cmdline: string;
  readonly bootId: string;
  readonly mountinfo: string;
  readonly efivars: string;
  readonly sys: string;
  readonly dev: string;
  readonly groups: string;
  /** Of Nix, where there is one: what is linked here is not collected as garbage. */
  readonly gcRoots: string;
  readonly slot: (slot: SlotName) => string;
};

export const placesAt = (root = ''): Places => {
  const at = (path: string): string => `${root}${path}`;
  return {
    pretend: root !== '',
    esp: at('/boot'),
    state: at('/persist/ota'),
    history: at('/persist/ota/history.jsonl'),
    keys: at('/persist/ota/keys'),
    revoked: at('/persist/ota/revoked'),
    baseline: at('/persist/ota/baseline.json'),
    verdict: at('/run/dplane-ota/verdict.json'),
    blessed: at('/run/dplane-ota/blessed'),
    verdicts: at('/persist/ota/verdict'),
    run: at('/run/dplane-ota'),
    status: at('/run/dplane-ota/status.json'),
    progress: at('/run/dplane-ota/progress.json'),
    request: at('/run/dplane-ota/request.json'),
    stream: at('/run/dplane-ota/stream.sock'),
    lock: at('/run/dplane-ota/lock'),
    system: at('/usr/lib/dplaneos/system.json'),
    imageKeys: at('/usr/lib/dplaneos/keys'),
    imageRevoked: at('/usr/lib/dplaneos/keys/revoked'),
    cmdline: at('/proc/cmdline'),
    bootId: at('/proc/sys/kernel/random/boot_id'),
    mountinfo: at('/proc/self/mountinfo'),
    efivars: at('/sys/firmware/efi/efivars'),
    sys: at('/sys'),
    dev: at('/dev'),
    groups: at('/etc/group'),
    gcRoots: at('/nix/var/nix/gcroots'),
    slot: (slot) => at(`/dev/disk/by-partlabel/system-${slot}`),
  };
};
