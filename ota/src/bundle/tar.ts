/**
 * The archive of a bundle: five members of ustar in a fixed order, nothing else. This reads what strangers send, as root, so it knows
 * only what it writes itself: a header is read by taking its size, writing the header for that size, and comparing all 512 bytes.
 * There are no long names, links, owners, times or padding to choose. `tar tf` reads it.
 */
export const MEMBERS = ['manifest.json', 'manifest.sig', 'kernel', 'initrd', 'slot.img.zst'] as const;
export type Member = (typeof MEMBERS)[number];

export const BLOCK = 512;
/** Eleven octal digits. */
export const MAX_MEMBER = 8 ** 11 - 1;
export const END = Buffer.alloc(2 * BLOCK);

export const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

export const header = (name: Member, size: number): Buffer => {
  if (!Number.isInteger(size) || size < 0 || size > MAX_MEMBER)
    throw new RangeError(`a member of ${size} bytes does not fit into an archive`);
  const block = Buffer.alloc(BLOCK);
  const put = (text: string, at: number): void => void block.write(text, at, 'latin1');
  put(name, 0);
  put('0000644\0', 100);
  put('0000000\0', 108); // uid
  put('0000000\0', 116); // gid
  put(`${size.toString(8).padStart(11, '0')}\0`, 124);
  put('00000000000\0', 136); // 1970
  put('        ', 148);
  put('0', 156); // a plain file
  put('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
};

/** The size of the member this header is of; null when it is anything but our header for that name. */
export const sizeIn = (block: Uint8Array, name: Member): number | null => {
  if (block.length !== BLOCK) return null;
  const digits = Buffer.from(block.subarray(124, 135)).toString('latin1');
  if (!/^[0-7]{11}$/.test(digits)) return null;
  const size = Number.parseInt(digits, 8);
  return header(name, size).equals(block) ? size : null;
};

export const isZero = (bytes: Uint8Array): boolean => bytes.every((b) => b === 0);

/** Of the whole archive. */
export const archiveSize = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + BLOCK + padded(size), 0) + END.length;
