/** What the past of a pool's space says, in a sentence. Pure. */
import type { SpaceForecast } from '../../../../control/src/domain/pool/history.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { plural, relative } from '../../parts/words.ts';

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
/** Less than this a day is no growth to speak of. */
const NOTHING = 1024 * 1024;

/** "Full in 14 months" for a card; empty when nothing is to be said. */
export const fullIn = (f: SpaceForecast | null | undefined, now: number): string =>
  f?.fullAt ? `full ${relative(f.fullAt, now)} at this pace` : '';

export const forecastText = (f: SpaceForecast | null, now: number): string => {
  if (f === null) return 'Two weeks have to be recorded before a forecast can be made.';
  const over = `over the last ${plural(f.overDays, 'day')}`;
  if (Math.abs(f.perDay) < NOTHING) return `It does not grow: ${over} it stayed as it is.`;
  if (f.perDay < 0) return `It empties by about ${formatBytes(-f.perDay)} a day (${over}).`;
  const pace = `It grows by about ${formatBytes(f.perDay)} a day (the median ${over}).`;
  if (f.fullAt === null) return `${pace} At this pace it is not full within ten years.`;
  const d = new Date(f.fullAt);
  const when =
    f.fullAt - now < 60 * 86_400_000 ? `on ${d.getDate()} ${MONTHS[d.getMonth()]}` : `in ${MONTHS[d.getMonth()]} ${d.getFullYear()}`;
  return `${pace} At this pace it is full ${relative(f.fullAt, now)}, ${when}.`;
};
