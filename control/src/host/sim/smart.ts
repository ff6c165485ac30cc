/** `smartctl -j` over the simulated disks, in the shapes that the real one prints (../fixtures/smartctl-*, and its sources for what QEMU's disks can't do). */
import type { Answer } from './getopt.ts';
import { failed } from './getopt.ts';
import type { SimDisk } from './model.ts';
import type { Tool } from './words.ts';

/** Left out: an ordinary disk that works. */
export type SimSmart = {
  power?: 'active' | 'standby';
  /** How often a command made it spin up. */
  woken?: number;
  /** A USB bridge that passes nothing on. */
  unsupported?: boolean;
  passed?: boolean;
  temperature?: number;
  hours?: number;
  reallocated?: number;
  pending?: number;
  uncorrectable?: number;
  reported?: number;
  timeouts?: number;
  crcErrors?: number;
  used?: number;
  spare?: number;
  mediaErrors?: number;
  /** The last one that was begun; whether it has ended is told from the clock. */
  test?: { long: boolean; at: number; stoppedAt?: number };
  /** Self-tests end with a read error. */
  failsTests?: boolean;
  tested?: { long: boolean; passed: boolean; hours: number }[];
};
const SHORT_MS = 2 * 60_000;
const LONG_MS = 600 * 60_000;

type Test = { long: boolean; status: number; text: string; passed?: boolean; hours: number };
const testsOf = (d: SimDisk, hours: number, now: number): { running: number | null; log: Test[] } => {
  const s = d.smart ?? {};
  const log: Test[] = (s.tested ?? []).map((t) => ended(t.long, t.passed ? 'passed' : 'failed', t.hours));
  if (!s.test) return { running: null, log };
  const lasts = s.test.long ? LONG_MS : SHORT_MS;
  const done = ((s.test.stoppedAt ?? now) - s.test.at) / lasts;
  if (done < 1 && s.test.stoppedAt === undefined) return { running: Math.max(0, done), log };
  return { running: null, log: [ended(s.test.long, done < 1 ? 'stopped' : s.failsTests ? 'failed' : 'passed', hours), ...log] };
};
const ended = (long: boolean, how: 'passed' | 'failed' | 'stopped', hours: number): Test => ({
  long,
  hours,
  ...(how === 'passed'
    ? { status: 0, text: 'Completed without error', passed: true }
    : how === 'failed'
      ? { status: 0x70, text: 'Completed: read failure', passed: false }
      : { status: 0x10, text: 'Aborted by host' }),
});

const attribute = (id: number, name: string, thresh: number, raw: number, more: { value?: number; string?: string } = {}): unknown => {
  const value = more.value ?? 100;
  const low = value <= thresh && thresh > 0;
  return {
    id,
    name,
    value,
    worst: value,
    thresh,
    when_failed: low ? 'now' : '',
    flags: {
      value: 51,
      string: 'PO--CK ',
      prefailure: thresh > 0,
      updated_online: true,
      performance: false,
      error_rate: false,
      event_count: true,
      auto_keep: true,
    },
    raw: { value: raw, string: more.string ?? String(raw) },
  };
};

const ata = (d: SimDisk, s: SimSmart, hours: number, temperature: number, now: number): Record<string, unknown> => {
  const { running, log } = testsOf(d, hours, now);
  const tenths = running === null ? null : Math.max(1, 10 - Math.floor(running * 10));
  return {
    rotation_rate: d.rotational ? 7200 : 0,
    trim: { supported: !d.rotational },
    in_smartctl_database: true,
    ata_version: { string: 'ACS-2, ATA8-ACS T13/1699-D revision 4', major_value: 1022, minor_value: 31 },
    smart_support: { available: true, enabled: true },
    smart_status: { passed: s.passed ?? true },
    ata_smart_data: {
      offline_data_collection: { status: { value: 130, string: 'was completed without error', passed: true }, completion_seconds: 101 },
      self_test: {
        status:
          tenths === null
            ? { value: 0, string: 'completed without error', passed: true }
            : { value: 240 + tenths, string: `in progress, ${tenths}0% remaining`, remaining_percent: tenths * 10 },
        polling_minutes: { short: SHORT_MS / 60_000, extended: LONG_MS / 60_000 },
      },
      capabilities: {
        values: [91, 3],
        exec_offline_immediate_supported: true,
        self_tests_supported: true,
        error_logging_supported: true,
        gp_logging_supported: true,
      },
    },
    ata_smart_attributes: {
      revision: 16,
      table: [
        attribute(1, 'Raw_Read_Error_Rate', 51, 0, { value: 200 }),
        attribute(5, 'Reallocated_Sector_Ct', 10, s.reallocated ?? 0, { value: Math.max(1, 100 - Math.floor((s.reallocated ?? 0) / 20)) }),
        attribute(9, 'Power_On_Hours', 0, hours),
        attribute(12, 'Power_Cycle_Count', 0, 38),
        attribute(187, 'Reported_Uncorrect', 0, s.reported ?? 0),
        // three counters in one number, as Seagate packs them
        attribute(188, 'Command_Timeout', 0, (s.timeouts ?? 0) * 0x1_0001, { string: `0 ${s.timeouts ?? 0} ${s.timeouts ?? 0}` }),
        attribute(194, 'Temperature_Celsius', 0, temperature, { value: 120, string: `${temperature} (Min/Max 19/${temperature + 6})` }),
        attribute(197, 'Current_Pending_Sector', 0, s.pending ?? 0),
        attribute(198, 'Offline_Uncorrectable', 0, s.uncorrectable ?? 0),
        attribute(199, 'UDMA_CRC_Error_Count', 0, s.crcErrors ?? 0),
      ],
    },
    ...(d.rotational ? {} : { endurance_used: { current_percent: s.used ?? 4 } }),
    ata_smart_error_log: { summary: { revision: 1, count: s.reported ?? 0 } },
    ata_smart_self_test_log: {
      standard: {
        revision: 1,
        count: log.length,
        ...(log.length === 0
          ? {}
          : {
              table: log.map((t) => ({
                type: t.long ? { value: 2, string: 'Extended offline' } : { value: 1, string: 'Short offline' },
                status: { value: t.status, string: t.text, ...(t.passed === undefined ? {} : { passed: t.passed }) },
                lifetime_hours: t.hours,
              })),
            }),
      },
    },
  };
};

const nvme = (d: SimDisk, s: SimSmart, hours: number, temperature: number, now: number): Record<string, unknown> => {
  const { running, log } = testsOf(d, hours, now);
  const spare = s.spare ?? 100;
  return {
    nvme_optional_admin_commands: { value: 23, self_test: true },
    smart_support: { available: true, enabled: true },
    smart_status: { passed: s.passed ?? true, nvme: { value: spare < 10 ? 1 : 0 } },
    nvme_smart_health_information_log: {
      nsid: -1,
      critical_warning: spare < 10 ? 1 : 0,
      temperature,
      available_spare: spare,
      available_spare_threshold: 10,
      percentage_used: s.used ?? 3,
      data_units_read: 48_211_902,
      data_units_written: 61_009_173,
      power_cycles: 41,
      power_on_hours: hours,
      unsafe_shutdowns: 6,
      media_errors: s.mediaErrors ?? 0,
      num_err_log_entries: 0,
    },
    spare_available: { current_percent: spare, threshold_percent: 10 },
    endurance_used: { current_percent: s.used ?? 3 },
    nvme_self_test_log: {
      nsid: -1,
      current_self_test_operation:
        running === null
          ? { value: 0, string: 'No self-test in progress' }
          : { value: d.smart?.test?.long ? 2 : 1, string: 'self-test in progress' },
      ...(running === null ? {} : { current_self_test_completion_percent: Math.floor(running * 100) }),
      ...(log.length === 0
        ? {}
        : {
            table: log.map((t) => ({
              self_test_code: t.long ? { value: 2, string: 'Extended' } : { value: 1, string: 'Short' },
              self_test_result:
                t.passed === true
                  ? { value: 0, string: 'Completed without error' }
                  : t.passed === false
                    ? { value: 7, string: 'Completed: failed segments' }
                    : { value: 1, string: 'Aborted: Self-test command' },
              power_on_hours: t.hours,
            })),
          }),
    },
  };
};

const known = new Set(['-j', '-a', '-X']);
const valued = new Set(['-n', '-d', '-t', '-l']);
export const smartctl: Tool = (w, args, now) => {
  const path = args.at(-1) ?? '';
  const options = new Map<string, string>();
  for (let i = 0; i < args.length - 1; i += 1) {
    const a = args[i] ?? '';
    if (valued.has(a)) {
      options.set(a, args[i + 1] ?? '');
      i += 1;
    } else if (known.has(a)) options.set(a, '');
    else return failed(`smartctl: unrecognized option '${a}'\n`);
  }
  const say = (exit: number, more: object, message?: string, changed = false): Answer => ({
    exit,
    stdout: `${JSON.stringify(
      {
        json_format_version: [1, 0],
        smartctl: {
          version: [7, 4],
          argv: ['smartctl', ...args],
          ...(message === undefined
            ? {}
            : { messages: [{ string: message, severity: exit === 1 || exit === 2 ? 'error' : 'information' }] }),
          exit_status: exit,
        },
        local_time: { time_t: Math.floor(now / 1000) },
        ...more,
      },
      null,
      2,
    )}\n`,
    ...(changed ? { changed: true as const } : {}),
  });
  const found = path.startsWith('/dev/') ? w.diskByPath(path) : undefined;
  const d = found?.unplugged ? undefined : found;
  if (d === undefined) return say(2, {}, `Smartctl open device: ${path} failed: No such device`);
  const s: SimSmart = d.smart ?? {};
  const isNvme = d.transport === 'nvme';
  if (options.get('-d') === 'nvme' && !isNvme)
    return say(2, {}, `Smartctl open device: ${path} failed: NVME_IOCTL_ID: Inappropriate ioctl for device`);
  const device = {
    name: path,
    info_name: `${path}${isNvme ? '' : ' [SAT]'}`,
    type: isNvme ? 'nvme' : 'sat',
    protocol: isNvme ? 'NVMe' : 'ATA',
  };
  if (s.unsupported) return say(1, {}, `${path}: Unknown USB bridge [0x1058:0x25a2 (0x4005)]`);

  let changed = false;
  if (s.power === 'standby' && !isNvme) {
    const limit = /^standby,([0-9]+)/.exec(options.get('-n') ?? '')?.[1];
    if (limit !== undefined) return say(Number(limit), { device }, `Device is in STANDBY mode, exit(${limit})`);
    d.smart = { ...s, power: 'active', woken: (s.woken ?? 0) + 1 };
    changed = true;
  }
  const hours = (s.hours ?? 9_000 + (d.size % 9_000)) + 0;
  const test = options.get('-t');
  if (test !== undefined) {
    if (testsOf(d, hours, now).running !== null) return say(4, { device }, "Can't start self-test without aborting current test");
    const { running: _r, log } = testsOf(d, hours, now);
    d.smart = {
      ...d.smart,
      tested: log.flatMap((t) => (t.passed === undefined ? [] : [{ long: t.long, passed: t.passed, hours: t.hours }])).slice(0, 20),
      test: { long: test === 'long', at: now },
    };
    return say(0, { device }, undefined, true);
  }
  if (options.has('-X')) {
    if (d.smart?.test && testsOf(d, hours, now).running !== null) d.smart = { ...d.smart, test: { ...d.smart.test, stoppedAt: now } };
    return say(0, { device }, undefined, true);
  }
  const temperature = s.temperature ?? (isNvme ? 41 : 31) + (d.serial.length % 5);
  const body = isNvme ? nvme(d, s, hours, temperature, now) : ata(d, s, hours, temperature, now);
  // bits: the disk says it fails; an attribute is beyond its limit; its log holds errors
  const exit = (s.passed === false ? 8 : 0) + ((s.reported ?? 0) > 0 ? 64 : 0);
  return say(
    exit,
    {
      device,
      model_name: d.model,
      serial_number: d.serial,
      firmware_version: '82.00A82',
      user_capacity: { blocks: d.size / d.sector[0], bytes: d.size },
      logical_block_size: d.sector[0],
      physical_block_size: d.sector[1],
      ...body,
      power_on_time: { hours },
      power_cycle_count: 38,
      temperature: { current: temperature },
    },
    undefined,
    changed,
  );
};
