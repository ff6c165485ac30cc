import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { nfsAnswers, nfsNull, smbAnswers, smbNegotiate } from './probe.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});
/** Real servers are asked in the VM; here the ones that are not what they should be. */
const serving = (answer: (socket: Socket, asked: Buffer) => void): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (asked) => answer(socket, asked));
    });
    servers.push(server);
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    });
  });

test('nobody listens', async () => {
  expect(await smbAnswers(1)).toMatch(/ECONNREFUSED/);
  expect(await nfsAnswers(1)).toMatch(/ECONNREFUSED/);
});

test('somebody else listens: hangs up, or says something of its own', async () => {
  expect(await smbAnswers(await serving((s) => s.end()))).toBe('it hung up');
  expect(
    await smbAnswers(await serving((s) => s.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nThis is not what was meant here.'))),
  ).toBe('its answer is not one');
  expect(await nfsAnswers(await serving((s) => s.end('x'.repeat(64))))).toBe('its answer is not one');
});

test('an answer that comes in pieces is put together', async () => {
  const reply = Buffer.alloc(28);
  const port = await serving((socket, asked) => {
    reply.writeUInt32BE(0x80000018, 0);
    asked.copy(reply, 4, 4, 8);
    reply.writeUInt32BE(1, 8);
    socket.write(reply.subarray(0, 10));
    setImmediate(() => socket.write(reply.subarray(10)));
  });
  expect(await nfsAnswers(port)).toBeNull();
});

test('an NFS server that refuses the version is not one that serves', async () => {
  const port = await serving((socket, asked) => {
    const reply = Buffer.alloc(32);
    asked.copy(reply, 4, 4, 8);
    reply.writeUInt32BE(1, 8);
    reply.writeUInt32BE(2, 24); // PROG_MISMATCH
    socket.write(reply);
  });
  expect(await nfsAnswers(port)).toBe('its answer is not one');
});

test('what is sent is as long as it says', () => {
  expect(smbNegotiate().readUInt32BE(0)).toBe(smbNegotiate().length - 4);
  expect(nfsNull(1).readUInt32BE(0)).toBe(0x80000000 + nfsNull(1).length - 4);
});
