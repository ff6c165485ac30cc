/**
 * `smartctl -j`: what a disk says of itself. Asked without waking one that sleeps, and with the device type told: while guessing it, smartctl may send
 * commands that wake (smartctl(8), -n). Its exit code is a set of bits: 0 the command line, 1 the device could not be opened; all others tell about the
 * disk, and so do not mean that reading failed.
 */
import { type Result, refuse } from '../../domain/refusal.ts';
import { type SelfTest, type SelfTests, type Smart, type SmartDevice, type TestKind, unread } from '../../domain/disk/smart.ts';
import type { RunResult } from '../host.ts';
import { type Fields, fields, json, list, reading, unreadable } from '../parse.ts';

/** Codes that no set of its bits makes: 3 and 5 have bit 0, which stands alone. */
const ASLEEP = 3;
const WILL_NOT_SAY = 5;
const BAD_COMMAND_LINE = 1;
const NOT_OPENED = 2;

const typed = (device: SmartDevice): string[] => (device === 'auto' ? [] : ['-d', device]);
/** NVMe has no standby. One that does not say whether it sleeps is left alone, too. */
const unwoken = (device: SmartDevice): string[] => (device === 'nvme' ? [] : ['-n', `standby,${ASLEEP},${WILL_NOT_SAY}`]);

export const smartArgv = (path: string, device: SmartDevice): string[] => [
  'smartctl',
  '-j',
  ...unwoken(device),
  ...typed(device),
  '-a',
  // the share of its life that is used, where it stands in no attribute
  ...(device === 'sat' || device === 'auto' ? ['-l', 'devstat'] : []),
  path,
];
/** `wake`: someone asked for it. A schedule does not wake a disk. */
export const selfTestArgv = (path: string, device: SmartDevice, test: TestKind | 'stop', wake: boolean): string[] => [
  'smartctl',
  '-j',
  ...(wake ? [] : unwoken(device)),
  ...typed(device),
  ...(test === 'stop' ? ['-X'] : ['-t', test]),
  path,
];

/** What is there is read strictly, what is not there is null: disks differ in what they tell. */
const at = (v: unknown, ...keys: readonly string[]): unknown => {
  let here = v;
  for (const k of keys) here = typeof here === 'object' && here !== null ? (here as Fields)[k] : undefined; // an object was just ruled in
  return here;
};
const whole = (v: unknown): number | null => (typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 ? v : null);
const words = (v: unknown): string => (typeof v === 'string' ? v : '');
const truth = (v: unknown): boolean | null => (typeof v === 'boolean' ? v : null);
const rows = (v: unknown): readonly unknown[] => (v === undefined ? [] : list(v, 'a table of smartctl'));

type Attribute = { id: number; name: string; raw: number | null; low: number | null; failing: boolean };
const attributes = (j: Fields): Attribute[] =>
  rows(at(j, 'ata_smart_attributes', 'table')).map((v) => {
    const a = fields(v, 'an attribute');
    const id = whole(a.id) ?? unreadable('an attribute has no number');
    const value = whole(at(a, 'raw', 'value'));
    // smartctl knows how each model packs its 48 bits, and says the number itself first: "8 (0 3)", "31 (Min/Max 20/45)"
    const said = /^[0-9]+/.exec(words(at(a, 'raw', 'string')))?.[0];
    return {
      id,
      name: words(a.name),
      raw: said === undefined ? value : Number(said),
      low: value === null ? null : value % 65_536,
      failing: a.when_failed === 'now',
    };
  });

const ataResult = (passed: boolean | null): SelfTest['result'] => (passed === null ? 'stopped' : passed ? 'passed' : 'failed');
const ataTests = (j: Fields): SelfTests | null => {
  const data = at(j, 'ata_smart_data');
  if (data === undefined) return null;
  const left = whole(at(data, 'self_test', 'status', 'remaining_percent'));
  return {
    can: at(data, 'capabilities', 'self_tests_supported') === true,
    running: left === null ? null : Math.max(0, 100 - left) / 100,
    minutes: {
      short: whole(at(data, 'self_test', 'polling_minutes', 'short')),
      long: whole(at(data, 'self_test', 'polling_minutes', 'extended')),
    },
    last: [...rows(at(j, 'ata_smart_self_test_log', 'standard', 'table')), ...rows(at(j, 'ata_smart_self_test_log', 'extended', 'table'))]
      // 0xf: the one that runs
      .filter((t) => Math.floor((whole(at(t, 'status', 'value')) ?? 0) / 16) !== 15)
      .map((t) => ({
        kind: at(t, 'type', 'value') === 1 ? 'short' : at(t, 'type', 'value') === 2 ? 'long' : 'other',
        result: ataResult(truth(at(t, 'status', 'passed'))),
        text: words(at(t, 'status', 'string')),
        hours: whole(at(t, 'lifetime_hours')),
      })),
  };
};

const nvmeTests = (j: Fields): SelfTests | null => {
  const log = at(j, 'nvme_self_test_log');
  const can = at(j, 'nvme_optional_admin_commands', 'self_test') === true || log !== undefined;
  if (!can) return null;
  const done = whole(at(log, 'current_self_test_completion_percent'));
  return {
    can,
    running: (whole(at(log, 'current_self_test_operation', 'value')) ?? 0) === 0 ? null : (done ?? 0) / 100,
    minutes: { short: null, long: null },
    last: rows(at(log, 'table')).map((t) => {
      const result = whole(at(t, 'self_test_result', 'value')) ?? 0;
      return {
        kind: at(t, 'self_test_code', 'value') === 1 ? 'short' : at(t, 'self_test_code', 'value') === 2 ? 'long' : 'other',
        // 5, 6, 7: an error, a segment that failed; the others were ended from outside
        result: result === 0 ? 'passed' : result >= 5 && result <= 7 ? 'failed' : 'stopped',
        text: words(at(t, 'self_test_result', 'string')),
        hours: whole(at(t, 'power_on_hours')),
      };
    }),
  };
};

const scsiTests = (j: Fields): SelfTests => {
  const last: SelfTest[] = [];
  for (let k = 0; k < 20; k += 1) {
    const t = at(j, `scsi_self_test_${k}`);
    const result = whole(at(t, 'result', 'value'));
    if (t === undefined || result === null || result === 15) continue;
    const code = words(at(t, 'code', 'string'));
    last.push({
      kind: /short/i.test(code) ? 'short' : /long|extended/i.test(code) ? 'long' : 'other',
      result: result === 0 ? 'passed' : result >= 3 && result <= 7 ? 'failed' : 'stopped',
      text: words(at(t, 'result', 'string')),
      hours: whole(at(t, 'power_on_time', 'hours')),
    });
  }
  const running = at(j, 'scsi_self_test_status', 'in_progress') === true;
  const seconds = whole(at(j, 'scsi_extended_self_test_seconds'));
  return {
    can: seconds !== null || last.length > 0 || running,
    running: running ? (whole(at(j, 'scsi_self_test_status', 'completion_percent')) ?? 0) / 100 : null,
    minutes: { short: null, long: seconds === null ? null : Math.ceil(seconds / 60) },
    last,
  };
};

/** Bits of the critical warning (NVM Express base specification, SMART / health information log). */
const NVME_WARNINGS = ['spare', 'temperature', 'reliability', 'read-only', 'backup'] as const;

const sum = (values: readonly (number | null)[]): number | null =>
  values.every((v) => v === null) ? null : values.reduce<number>((n, v) => n + (v ?? 0), 0);

/** QEMU and bridges say 0 °C where they have no sensor. */
const warmth = (v: unknown): number | null => (typeof v === 'number' && Number.isInteger(v) && v !== 0 ? v : null);

const common = (path: string, now: number, j: Fields): Smart => ({
  ...unread(path, now, 'unknown', null),
  state: 'read',
  passed: truth(at(j, 'smart_status', 'passed')),
  temperature: warmth(at(j, 'temperature', 'current')),
  hours: whole(at(j, 'power_on_time', 'hours')),
  used: whole(at(j, 'endurance_used', 'current_percent')),
  spare: whole(at(j, 'spare_available', 'current_percent')),
  spareThreshold: whole(at(j, 'spare_available', 'threshold_percent')),
});

const ata = (j: Fields, s: Smart): Smart => {
  const all = attributes(j);
  const raw = (id: number): number | null => all.find((a) => a.id === id)?.raw ?? null;
  return {
    ...s,
    protocol: 'ATA',
    beyond: all.filter((a) => a.failing).map((a) => a.name),
    reallocated: raw(5),
    reported: raw(187),
    // three counters in one: the lowest is the number of commands, the others say how long they took
    timeouts: all.find((a) => a.id === 188)?.low ?? null,
    pending: raw(197),
    uncorrectable: raw(198),
    crcErrors: raw(199),
    tests: ataTests(j),
  };
};
const nvme = (j: Fields, s: Smart): Smart => {
  const log = at(j, 'nvme_smart_health_information_log');
  const bits = whole(at(log, 'critical_warning')) ?? 0;
  const spareThreshold = whole(at(log, 'available_spare_threshold'));
  return {
    ...s,
    protocol: 'NVMe',
    warnings: NVME_WARNINGS.filter((_w, i) => Math.floor(bits / 2 ** i) % 2 === 1),
    hours: s.hours ?? whole(at(log, 'power_on_hours')),
    used: whole(at(log, 'percentage_used')),
    spare: whole(at(log, 'available_spare')),
    spareThreshold,
    mediaErrors: whole(at(log, 'media_errors')),
    tests: nvmeTests(j),
  };
};
const scsi = (j: Fields, s: Smart): Smart => ({
  ...s,
  protocol: 'SCSI',
  reallocated: whole(at(j, 'scsi_grown_defect_list')),
  pending: whole(at(j, 'scsi_pending_defects', 'count')),
  uncorrectable: sum(['read', 'write', 'verify'].map((k) => whole(at(j, 'scsi_error_counter_log', k, 'total_uncorrected_errors')))),
  tests: scsiTests(j),
});

const messageOf = (j: Fields): string =>
  rows(at(j, 'smartctl', 'messages'))
    .map((m) => words(at(m, 'string')))
    .filter((m) => m !== '')
    .join('; ');
const sayingNothing = (s: Smart): boolean =>
  s.passed === null && s.temperature === null && s.hours === null && s.reallocated === null && s.used === null;

export const parseSmart = (path: string, now: number, r: Pick<RunResult, 'exit' | 'stdout'>): Result<Smart> => {
  if (r.exit === ASLEEP) return { ok: true, value: unread(path, now, 'asleep', null) };
  if (r.exit === BAD_COMMAND_LINE && r.stdout === '')
    return refuse('failed', 'smartctl', 'it does not know these options', 'smartmontools 7.3 or newer is needed');
  return reading(`what smartctl says of ${path}`, () => {
    if (r.exit === WILL_NOT_SAY) return unread(path, now, 'unknown', 'it does not say whether it sleeps, and is left alone');
    const j = fields(json(r.stdout), 'the answer');
    const said = messageOf(j);
    if (r.exit === BAD_COMMAND_LINE || r.exit === NOT_OPENED)
      return unread(path, now, 'unknown', said === '' ? 'it can not be asked' : said.slice(0, 300));
    const s = common(path, now, j);
    const protocol = at(j, 'device', 'protocol');
    const full = protocol === 'ATA' ? ata(j, s) : protocol === 'NVMe' ? nvme(j, s) : protocol === 'SCSI' ? scsi(j, s) : null;
    if (full === null) return unread(path, now, 'unknown', 'it speaks a protocol that is not known');
    if (at(j, 'smart_support', 'available') === false || sayingNothing(full))
      return unread(path, now, 'unknown', 'it has no SMART, or its bridge does not pass it on');
    return full;
  });
};
