/** Numbers, times and names as people read them. Pure. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const plural = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

/** "3 min ago", "in 2 h": coarse on purpose, the exact time stands in the tooltip. */
export const relative = (at: number, now: number): string => {
  const gap = Math.abs(now - at);
  const text =
    gap < 10_000
      ? ''
      : gap < MINUTE
        ? `${Math.round(gap / 1000)} s`
        : gap < HOUR
          ? `${Math.round(gap / MINUTE)} min`
          : gap < 2 * DAY
            ? `${Math.round(gap / HOUR)} h`
            : gap < 60 * DAY
              ? `${Math.round(gap / DAY)} days`
              : gap < 700 * DAY
                ? `${Math.round(gap / (30.4 * DAY))} months`
                : `${Math.round(gap / (365.25 * DAY))} years`;
  if (text === '') return 'just now';
  return at <= now ? `${text} ago` : `in ${text}`;
};

const pad = (n: number): string => String(n).padStart(2, '0');
export const clockTime = (at: number): string => {
  const d = new Date(at);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
};
export const exact = (at: number): string => {
  const d = new Date(at);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clockTime(at)}`;
};

export const duration = (ms: number): string => {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.round((ms % MINUTE) / 1000)} s`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h ${Math.round((ms % HOUR) / MINUTE)} min`;
  return `${Math.floor(ms / DAY)} days ${Math.round((ms % DAY) / HOUR)} h`;
};

export const percent = (part: number, of: number): number => (of > 0 ? (part / of) * 100 : 0);

/** `/dev/disk/by-id/ata-WDC_WD80EFZZ-68BTXN0_WD-CA12345678` -> `WD80EFZZ … CA12345678`: bus and maker say little. */
export const shortDisk = (path: string): string => {
  const id = path.slice(path.lastIndexOf('/') + 1);
  const cut = id.lastIndexOf('_');
  if (cut < 0) return id;
  const model = id.slice(0, cut).replace(/^(?:ata|nvme|scsi|usb|wwn)-/, '');
  const word = model.split(/[_-]/).find((w) => /\d/.test(w)) ?? model;
  return `${word} ·${id.slice(cut + 1).slice(-6)}`;
};
/** A sentence of the daemon with its disks told short. */
export const shortened = (message: string): string => message.replace(/\/dev\/disk\/by-id\/[\w.:+@=-]+/g, shortDisk);
export const shortDigest = (digest: string): string => digest.slice(0, 10);

/** The page of what an event or alert is about: `dataset:tank/media` -> `/storage/datasets/tank/media`. */
export const pageOf = (subject: string): string | null => {
  const cut = subject.indexOf(':');
  const kind = cut < 0 ? subject : subject.slice(0, cut);
  const name = cut < 0 ? '' : subject.slice(cut + 1);
  switch (kind) {
    case 'pool':
      return `/storage/pools/${encodeURIComponent(name)}`;
    case 'dataset':
      return `/storage/datasets/${name.split('/').map(encodeURIComponent).join('/')}`;
    case 'disk':
      return name === ''
        ? '/storage/disks'
        : `/storage/disks/${encodeURIComponent(name.slice(name.lastIndexOf('/') + 1).replace(/-part1$/, ''))}`;
    case 'share': {
      const [share = '', ...rest] = name.split(':');
      return rest.length > 0 ? `/shares/${share}/${encodeURIComponent(rest.join(':'))}` : '/shares';
    }
    case 'schedule':
      return `/protection/schedules?schedule=${encodeURIComponent(name)}`;
    case 'share-user':
    case 'share-group':
      return '/shares/users';
    case 'plan':
      return `/changes/plans/${name}`;
    case 'run':
      return `/changes/runs/${encodeURIComponent(name)}`;
    case 'state':
      return '/changes/drift';
    case 'slot':
    case 'slots':
    case 'updates':
      return '/system/updates';
    case 'user':
      return '/access';
    default:
      return null;
  }
};
