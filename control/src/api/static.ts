/**
 * The web interface. The files are listed once at the start, and only what is in that list is ever opened: no path of a request reaches
 * the file system, so there is nothing to traverse.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { refusal } from './errors.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export type Page = { status: 200 | 304; type: string; body: Buffer; headers: [string, string][] };
export type Pages = { page(path: string, encodings: string, ifNoneMatch: string | undefined): Promise<Page | null> };

const HEADERS: [string, string][] = [
  ['content-security-policy', POLICY],
  ['x-frame-options', 'DENY'],
  ['cross-origin-opener-policy', 'same-origin'],
];

const ABSENT = (version: string, simulated: boolean): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>D-PlaneOS</title></head>
<body><h1>D-PlaneOS ${version.replace(/[^\w.+-]/g, '')}</h1>
${simulated ? '<p><strong>Simulated:</strong> nothing here is a real disk.</p>\n' : ''}<p>The browser interface is not in this version. The API and the command <code>dplane</code> are:</p>
<ul><li><a href="/api/openapi.json">/api/openapi.json</a> describes the API</li><li><code>dplane login</code>, <code>dplane status</code>, <code>dplane --help</code></li></ul>
</body></html>
`;

type Listed = { file: string; type: string; etag: string; immutable: boolean };

const list = async (folder: string): Promise<Map<string, Listed>> => {
  const found = new Map<string, Listed>();
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue; // links lead out of the folder
    const file = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(file);
    const path = file.slice(folder.length).replace(/^\/?/, '/');
    const type = TYPES[extname(file.replace(/\.(?:br|gz)$/, ''))];
    if (type)
      found.set(path, {
        file,
        type,
        etag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
        immutable: path.startsWith('/assets/'),
      });
  }
  return found;
};

export const createPages = async (folder: string | null, version: string, simulated: boolean): Promise<Pages> => {
  const files = folder === null ? new Map<string, Listed>() : await list(folder.replace(/\/+$/, '')).catch(() => new Map<string, Listed>());
  const absent = Buffer.from(ABSENT(version, simulated));
  return {
    async page(path, encodings, ifNoneMatch) {
      let decoded: string;
      try {
        decoded = decodeURIComponent(path);
      } catch {
        throw refusal('invalid', 'The request was not understood', 'the address is not well encoded', 'Encode it as a URL.');
      }
      if (files.size === 0)
        return decoded === '/' ? { status: 200, type: 'text/html; charset=utf-8', body: absent, headers: HEADERS } : null;
      // A place within the interface has no extension; the interface finds its page itself.
      const at = files.get(decoded === '/' ? '/index.html' : decoded) ?? (extname(decoded) === '' ? files.get('/index.html') : undefined);
      if (!at) return null;
      const packed = [['br', '.br'] as const, ['gzip', '.gz'] as const].find(
        ([name, ext]) => encodings.includes(name) && files.has(`${at.file.slice((folder ?? '').replace(/\/+$/, '').length)}${ext}`),
      );
      const headers: [string, string][] = [
        ...HEADERS,
        ['cache-control', at.immutable ? 'public, max-age=31536000, immutable' : 'no-cache'],
        ['etag', at.etag],
        ['vary', 'accept-encoding'],
      ];
      if (ifNoneMatch === at.etag) return { status: 304, type: at.type, body: Buffer.alloc(0), headers };
      if (packed)
        return {
          status: 200,
          type: at.type,
          body: await readFile(`${at.file}${packed[1]}`),
          headers: [...headers, ['content-encoding', packed[0]]],
        };
      return { status: 200, type: at.type, body: await readFile(at.file), headers };
    },
  };
};
