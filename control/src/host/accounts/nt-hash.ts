/**
 * What Samba keeps of a password: MD4 of its UTF-16. It is as good as the password to whoever has it. Node's OpenSSL has no MD4 any more,
 * and every tool that makes it takes the password where others could see it. After RFC 1320.
 */
const SHIFTS = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const;
const ORDER = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const;
const ADD = [0, 0x5a827999, 0x6ed9eba1] as const;
const mix = (round: number, x: number, y: number, z: number): number =>
  round === 0 ? (x & y) | (~x & z) : round === 1 ? (x & y) | (x & z) | (y & z) : x ^ y ^ z;

export const md4 = (message: Buffer): Buffer => {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64);
  message.copy(padded);
  padded[message.length] = 0x80;
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8);
  const state: [number, number, number, number] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d] = state;
    for (let round = 0; round < 3; round += 1)
      for (let i = 0; i < 16; i += 1) {
        // both indices are within the tables
        const word = padded.readInt32LE(at + 4 * (ORDER[round]?.[i] ?? 0));
        const shift = SHIFTS[round]?.[i % 4] ?? 0;
        const sum = (a + mix(round, b, c, d) + word + (ADD[round] ?? 0)) | 0;
        [a, d, c, b] = [d, c, b, (sum << shift) | (sum >>> (32 - shift))];
      }
    [a, b, c, d].forEach((v, i) => {
      state[i] = ((state[i] ?? 0) + v) | 0;
    });
  }
  const out = Buffer.alloc(16);
  for (const [i, v] of state.entries()) out.writeInt32LE(v, 4 * i);
  padded.fill(0);
  return out;
};

export const ntHash = (password: string): Buffer => md4(Buffer.from(password, 'utf16le'));
