/**
 * What an audit entry's HMAC is computed over, and how.
 *
 *   hmac(n) = HMAC-SHA256(key, hmac(n-1) frame(n))      hmac(0) = 64 zeros; hmacs as 64 hex digits
 *   frame   = "dplane-audit-1", then the length in bytes of each of FIELDS (decimal), then the FIELDS (UTF-8), all joined by ","
 *
 * The lengths stand first and are ten, so there is one way to read a frame, whatever is in the fields. The frame is built by
 * SQLite from the stored columns, for writing and for verifying alike: there is one definition of it, and what is verified is
 * what is stored. (Lengths before fields, because one `concat_ws` takes half the time of a length before each field.)
 */
import { hash } from 'node:crypto';

export const FIELDS = ['seq', 'at', 'actor_kind', 'actor_name', 'actor_via', 'action', 'subject', 'outcome', 'reason', 'detail'] as const;
export const FRAME_SQL = `concat_ws(',', 'dplane-audit-1', ${FIELDS.map((f) => `octet_length(${f})`).join(', ')}, ${FIELDS.join(', ')})`;
export const ZERO = '0'.repeat(64);

const BLOCK = 64;

/**
 * HMAC as RFC 2104 says it, with both key blocks made once and one buffer: `createHmac` costs several times the hashing of a
 * short entry, and a million of them are verified.
 */
export const chainHmac = (key: Buffer): ((previous: string, frame: string) => string) => {
  const short = key.length > BLOCK ? hash('sha256', key, 'buffer') : key;
  const padded = Buffer.alloc(BLOCK);
  short.copy(padded);
  const outer = Buffer.alloc(BLOCK + 32);
  for (const [i, byte] of padded.entries()) outer[i] = byte ^ 0x5c;
  const head = BLOCK + ZERO.length;
  let inner = Buffer.alloc(head + 4096);
  const begin = (): void => {
    for (const [i, byte] of padded.entries()) inner[i] = byte ^ 0x36;
  };
  begin();
  return (previous, frame) => {
    if (inner.length < head + frame.length * 3) {
      inner = Buffer.alloc(head + frame.length * 3);
      begin();
    }
    inner.write(previous, BLOCK, 'latin1');
    const end = head + inner.write(frame, head, 'utf8');
    outer.write(hash('sha256', inner.subarray(0, end), 'hex'), BLOCK, 'hex');
    return hash('sha256', outer, 'hex');
  };
};
