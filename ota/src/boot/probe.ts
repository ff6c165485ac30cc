/** Does a server answer? Asked in its own protocol, as a client would, without any program of its own. */
import { request } from 'node:https';
import { connect } from 'node:net';

const PROBE_MS = 10_000;

/** The certificate is the box's own: nothing vouches for it, and nothing secret is said. */
export const httpsAnswers = (port: number, path: string): Promise<string | null> =>
  new Promise((resolve) => {
    const ask = request({ host: '127.0.0.1', port, path, rejectUnauthorized: false, timeout: PROBE_MS }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? null : `it answers ${answer.statusCode ?? 'nothing'} to ${path}`);
    });
    ask.on('timeout', () => ask.destroy(new Error('no answer')));
    ask.on('error', (error) => resolve(error.message));
    ask.end();
  });

/** Sends one message and judges what comes back, once there are `enough` bytes of it. */
const exchange = (port: number, message: Buffer, enough: number, isGood: (answer: Buffer) => boolean): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (why: string | null): void => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(PROBE_MS, () => end('no answer'));
    socket.on('connect', () => socket.write(message));
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => resolve('it hung up'));
    let got: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= enough) end(isGood(got) ? null : 'its answer is not one');
    });
  });

/** SMB2 NEGOTIATE, dialects 2.1 to 3.1.1 without contexts: any answer with SMB2's mark and this command is a server. */
export const smbNegotiate = (): Buffer => {
  const dialects = [0x0210, 0x0300, 0x0302];
  const header = Buffer.alloc(64);
  header.write('\xfeSMB', 0, 'latin1');
  header.writeUInt16LE(64, 4);
  header.writeUInt16LE(1, 14); // credits
  const body = Buffer.alloc(36 + dialects.length * 2);
  body.writeUInt16LE(36, 0);
  body.writeUInt16LE(dialects.length, 2);
  body.writeUInt16LE(1, 4); // signing enabled
  for (const [index, dialect] of dialects.entries()) body.writeUInt16LE(dialect, 36 + index * 2);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length + body.length);
  return Buffer.concat([length, header, body]);
};
export const smbAnswers = (port = 445): Promise<string | null> =>
  exchange(port, smbNegotiate(), 68, (a) => a.toString('latin1', 4, 8) === '\xfeSMB' && a.readUInt16LE(16) === 0);

/** The NULL procedure of NFS version 4, over TCP with its record mark; RPC answers 1 (reply), 0 (accepted). */
export const nfsNull = (xid: number, version = 4): Buffer => {
  const words = [xid, 0, 2, 100_003, version, 0, 0, 0, 0, 0];
  const call = Buffer.alloc(4 + words.length * 4);
  call.writeUInt32BE(0x80000000 + words.length * 4, 0);
  for (const [index, word] of words.entries()) call.writeUInt32BE(word, 4 + index * 4);
  return call;
};
export const nfsAnswers = (port = 2049): Promise<string | null> => {
  const xid = 0x64706c61;
  // record mark, xid, reply, accepted, verifier (two words), status
  return exchange(port, nfsNull(xid), 28, (a) => a.readUInt32BE(4) === xid && a.readUInt32BE(8) === 1 && a.readUInt32BE(24) === 0);
};
