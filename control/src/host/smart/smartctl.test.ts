/** What smartctl answers is read: as it was recorded from QEMU's disks, as the simulated host builds it, and as disks that QEMU can't play would. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smartDeviceOf } from '../../domain/disk/smart.ts';
import { orThrow } from '../../domain/refusal.ts';
import { demoModel } from '../sim/seeds.ts';
import { simHost } from '../sim/sim.ts';
import { parseSmart, selfTestArgv, smartArgv } from './smartctl.ts';

const PATH = '/dev/disk/by-id/ata-A_1';
type Recorded = { argv: string[]; exit: number; stdout: string };
const folder = join(import.meta.dirname, '../fixtures');
const recorded = (name: string): Recorded => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Recorded; // made by the recorder
const read = (name: string) => orThrow(parseSmart(PATH, 1, recorded(name)));

describe('recorded answers', () => {
  it('are those of the argv that is used', () => {
    for (const [name, device] of [
      ['ata', 'sat'],
      ['nvme', 'nvme'],
      ['scsi', 'scsi'],
    ] as const) {
      const { argv } = recorded(`smartctl-read-${name}`);
      expect(argv).toEqual(smartArgv(argv.at(-1) ?? '', device));
    }
    expect(recorded('smartctl-selftest-scheduled').argv).toEqual(
      selfTestArgv(recorded('smartctl-selftest-scheduled').argv.at(-1) ?? '', 'sat', 'long', false),
    );
  });
  it('of an ATA disk: exit code 4 (a log that it lacks) is no failure', () => {
    expect(recorded('smartctl-read-ata').exit).toBe(4);
    expect(read('smartctl-read-ata')).toMatchObject({
      state: 'read',
      protocol: 'ATA',
      passed: true,
      temperature: 31,
      hours: 1,
      reallocated: 0,
      pending: null,
      tests: { can: true, running: null, minutes: { short: 2, long: 54 } },
    });
    expect(read('smartctl-read-tested').tests?.last.map((t) => [t.kind, t.result])).toEqual([
      ['long', 'passed'],
      ['short', 'passed'],
      ['short', 'passed'],
    ]);
  });
  it('of an NVMe disk, which has no self-tests here', () => {
    expect(read('smartctl-read-nvme')).toMatchObject({
      state: 'read',
      protocol: 'NVMe',
      passed: true,
      temperature: 50,
      used: 0,
      mediaErrors: 0,
      warnings: [],
      tests: null,
    });
  });
  it('of disks that say nothing of themselves', () => {
    expect(read('smartctl-read-scsi')).toMatchObject({ state: 'unknown', why: 'it has no SMART, or its bridge does not pass it on' });
    expect(read('smartctl-j-virtio')).toMatchObject({ state: 'unknown', why: expect.stringContaining('Unable to detect device type') });
    expect(read('smartctl-j-missing')).toMatchObject({ state: 'unknown' });
  });
  it('are read or refused, never thrown over, however they are cut or changed', () => {
    const files = readdirSync(folder).filter((f) => f.startsWith('smartctl-'));
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 0, max: 255 }), (file, cut, exit) => {
        const { stdout } = recorded(file.slice(0, -5));
        const r = parseSmart(PATH, 1, { exit, stdout: stdout.slice(0, cut % stdout.length) });
        // cut text is no JSON: only the codes that say everything by themselves are understood
        expect(r.ok).toBe(exit === 3 || exit === 5);
      }),
    );
  });
});

describe('disks that QEMU has not', () => {
  const json = (more: object, exit = 0) =>
    parseSmart(PATH, 1, { exit, stdout: JSON.stringify({ smartctl: { exit_status: exit }, ...more }) });
  const attribute = (id: number, value: number, string = String(value), when_failed = '') => ({
    id,
    name: `A_${id}`,
    when_failed,
    raw: { value, string },
  });
  it('a disk in standby is asleep, and nothing is known anew', () => {
    const messages = [{ string: 'Device is in STANDBY mode, exit(3)', severity: 'information' }];
    expect(orThrow(json({ smartctl: { messages, exit_status: 3 } }, 3))).toMatchObject({
      state: 'asleep',
      passed: null,
      temperature: null,
    });
    expect(orThrow(json({}, 5))).toMatchObject({ state: 'unknown', why: expect.stringContaining('left alone') });
  });
  it('counters are taken out of what vendors pack around them', () => {
    const s = orThrow(
      json(
        {
          device: { protocol: 'ATA' },
          smart_status: { passed: false },
          temperature: { current: 44 },
          ata_smart_attributes: {
            table: [
              attribute(5, 8 + 65_536 * 3, '8 (0 3)', 'now'),
              attribute(187, 12),
              attribute(188, 4_295_032_833, '1 1 1'),
              attribute(197, 64),
              attribute(198, 40),
              attribute(199, 3),
            ],
          },
          endurance_used: { current_percent: 104 },
        },
        8 + 16 + 64,
      ),
    );
    expect(s).toMatchObject({
      passed: false,
      reallocated: 8,
      reported: 12,
      timeouts: 1,
      pending: 64,
      uncorrectable: 40,
      crcErrors: 3,
      used: 104,
      beyond: ['A_5'],
    });
  });
  it('a SAS disk: grown defects, uncorrected errors, its tests', () => {
    const s = orThrow(
      json({
        device: { protocol: 'SCSI' },
        smart_support: { available: true, enabled: true },
        smart_status: { passed: true },
        temperature: { current: 38, drive_trip: 60 },
        power_on_time: { hours: 30_000, minutes: 2 },
        scsi_grown_defect_list: 5,
        scsi_error_counter_log: { read: { total_uncorrected_errors: 2 }, write: { total_uncorrected_errors: 1 } },
        scsi_self_test_status: { in_progress: true, completion_percent: 30 },
        scsi_self_test_0: { code: { value: 1, string: 'Background short' }, result: { value: 15, string: 'Self test in progress ...' } },
        scsi_self_test_1: {
          code: { value: 2, string: 'Background long' },
          result: { value: 5, string: 'Failed in first segment' },
          power_on_time: { hours: 29_000 },
        },
        scsi_extended_self_test_seconds: 36_000,
      }),
    );
    expect(s).toMatchObject({
      state: 'read',
      reallocated: 5,
      uncorrectable: 3,
      tests: { can: true, running: 0.3, minutes: { long: 600 }, last: [{ kind: 'long', result: 'failed', hours: 29_000 }] },
    });
  });
  it('an NVMe disk that warns', () => {
    const log = { critical_warning: 0b1101, available_spare: 3, available_spare_threshold: 10, percentage_used: 255, media_errors: 7 };
    expect(
      orThrow(json({ device: { protocol: 'NVMe' }, smart_status: { passed: false }, nvme_smart_health_information_log: log })),
    ).toMatchObject({
      warnings: ['spare', 'reliability', 'read-only'],
      spare: 3,
      used: 255,
      mediaErrors: 7,
    });
  });
});

describe('the simulated host', () => {
  it('answers for each of its disks with what can be read, and wakes none', async () => {
    const host = simHost({ model: demoModel(), clock: () => 1_795_000_000_000 });
    const seen: Record<string, number> = {};
    for (const d of host.world.model.disks) {
      const path = `/dev/disk/by-id/${d.links[0]}`;
      const device = smartDeviceOf({ path, transport: d.transport });
      expect(device).not.toBeNull();
      const r = await host.run(smartArgv(path, device ?? 'auto'), { timeoutMs: 1_000 });
      const s = orThrow(parseSmart(path, 1, r));
      seen[s.state] = (seen[s.state] ?? 0) + 1;
    }
    expect(seen).toEqual({ read: 14, asleep: 1, unknown: 1 });
    expect(host.world.model.disks.filter((d) => d.smart?.woken)).toEqual([]);
  });
});
