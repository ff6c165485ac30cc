/** Quantities as people read them. Imports nothing, so that showing a size costs nothing. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** 1536 -> "1.5 KiB": binary units with the unit, one decimal below 100. */
export const formatBytes = (n: number): string => {
  let v = n;
  let u = 0;
  while (v >= 1024 && u < UNITS.length - 1) {
    v /= 1024;
    u += 1;
  }
  const text = u === 0 ? String(n) : v >= 100 ? v.toFixed(0) : v.toFixed(1).replace(/\.0$/, '');
  return `${text} ${UNITS[u]}`;
};

/** As people write it, and exact: 2147483648 -> "2G". */
export const sizeText = (n: number): string =>
  n > 0 && n % 1024 ** 3 === 0 ? `${n / 1024 ** 3}G` : n > 0 && n % 1024 ** 2 === 0 ? `${n / 1024 ** 2}M` : String(n);
