/**
 * When a disk's risk is told. An alert opens when its score is high, or when it is getting worse, and closes only well below: a value that swings around a
 * limit is told once. Pure; called with the same facts it tells nothing new. A disk that sleeps keeps what was known, so that it never changes here.
 */
import { diskLabel } from './disk.ts';
import { COUNTED, type Counted, DAY, type Growth, WORDS } from './readings.ts';
import { type DiskRisk, FAILING_FROM, REPLACE_FROM, wordOfRisk } from './risk.ts';

export type Level = 'none' | 'warning' | 'critical';
/** What was said of a disk, kept beside its readings. Null: it is met for the first time, and what it brings along is not news. */
export type Told = { level: Level; counts: Partial<Record<Counted, number>>; at: number };

/** How far a score has to fall before a level is left. */
const BACK = 10;
/** A small score opens an alert only while what it comes from grows. */
const GROWING_FROM = 20;
/** Worsening is an event once a day at most, unless the level rises. */
const EVERY = DAY;
/** Cables and buses: worth a line on the page, not an alarm about the disk. */
const QUIET: ReadonlySet<Counted> = new Set(['crcErrors', 'timeouts', 'zfsSlow']);

const levelOf = (risk: DiskRisk, was: Level, growing: boolean): Level => {
  const { score } = risk;
  if (score >= FAILING_FROM || (was === 'critical' && score > FAILING_FROM - BACK)) return 'critical';
  if (score >= REPLACE_FROM || (was !== 'none' && score > REPLACE_FROM - BACK)) return 'warning';
  return growing && score >= GROWING_FROM ? 'warning' : 'none';
};
const ORDER: readonly Level[] = ['none', 'warning', 'critical'];

/** The strongest reasons; all of them stand on the page of the disk. */
const TOLD = 3;
const sentence = ({ path, score, reasons }: DiskRisk): string =>
  `${diskLabel(path)}: ${wordOfRisk(score)}, ${reasons.slice(0, TOLD).join('; ')}${reasons.length > TOLD ? `; and ${reasons.length - TOLD} more` : ''}`;

export type Alarm = {
  told: Told;
  /** The condition that holds. */
  alert: { severity: 'warning' | 'critical'; message: string } | null;
  /** Told once: it has become worse. */
  event: { severity: 'warning' | 'critical'; message: string } | null;
};

export const alarmOf = (risk: DiskRisk, counts: Told['counts'], week: Growth, before: Told | null, now: number): Alarm => {
  const told = before ?? { level: 'none', counts, at: 0 };
  const growing = COUNTED.some((f) => !QUIET.has(f) && (week[f] ?? 0) > 0);
  const level = levelOf(risk, told.level, growing);
  const more = COUNTED.flatMap((f) => {
    const n = (counts[f] ?? 0) - (told.counts[f] ?? 0);
    return n > 0 && !QUIET.has(f) ? [`${n.toLocaleString('en')} more ${WORDS[f][n === 1 ? 0 : 1]}`] : [];
  });
  const rose = ORDER.indexOf(level) > ORDER.indexOf(told.level);
  const severity = level === 'critical' ? 'critical' : 'warning';
  const say = rose || (more.length > 0 && now - told.at >= EVERY);
  const what = more.length > 0 ? `${diskLabel(risk.path)} got worse: ${more.join(', ')}` : sentence(risk);
  return {
    told: say ? { level, counts: { ...counts }, at: now } : { ...told, level, counts: { ...told.counts } },
    alert: level === 'none' ? null : { severity, message: sentence(risk) },
    event: say ? { severity, message: what } : null,
  };
};
