/** The name of the snapshots taken of every pool before the system is changed. Pure. */
const two = (n: number): string => String(n).padStart(2, '0');

export const PRE_UPGRADE = 'pre-upgrade-';
export const preUpgradeTag = (at: number): string => {
  const d = new Date(at);
  const date = `${d.getUTCFullYear()}${two(d.getUTCMonth() + 1)}${two(d.getUTCDate())}`;
  return `${PRE_UPGRADE}${date}-${two(d.getUTCHours())}${two(d.getUTCMinutes())}${two(d.getUTCSeconds())}`;
};
