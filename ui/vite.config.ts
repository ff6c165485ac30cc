/**
 * Builds the interface into `ui/dist`: hashed files that the daemon serves as they are. Nothing is inlined, because its content
 * security policy refuses inline scripts and styles; each text file is packed beforehand, because the daemon does not pack.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import solid from 'vite-plugin-solid';

const packed = (): Plugin => ({
  name: 'packed',
  apply: 'build',
  async closeBundle() {
    const folder = join(import.meta.dirname, 'dist');
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(?:js|css|html|svg)$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      const text = await readFile(path);
      if (text.length < 512) continue;
      await writeFile(`${path}.gz`, await promisify(gzip)(text, { level: 9 }));
      await writeFile(`${path}.br`, await promisify(brotliCompress)(text));
    }
  },
});

export default defineConfig({
  root: import.meta.dirname,
  plugins: [solid(), packed()],
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 400,
  },
});
