/** Tests lie beside the code and run as the product does: Node strips the types itself, no bundler in between. */
import { defineConfig } from 'vitest/config';

/** Suites in the VM: `npm run e2e`, and `npm test` as its second half. */
const lab = process.env.DPLANE_SUITE === 'lab';
const plain = process.env.CI !== undefined || !process.stdout.isTTY;

export default defineConfig({
  test: {
    environment: 'node',
    include: lab ? ['tests/lab/**/*.test.ts'] : ['{control,ota,ui}/src/**/*.test.ts', 'packages/**/*.test.ts', 'tests/**/*.test.ts'],
    exclude: lab ? ['**/node_modules/**'] : ['**/node_modules/**', 'tests/lab/**'],
    pool: 'forks',
    maxWorkers: lab ? 1 : 2,
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: lab ? 1_800_000 : 60_000,
    hookTimeout: lab ? 1_800_000 : 60_000,
    retry: 0,
    setupFiles: ['tests/seed.ts'],
    // a test that is left with `only` would hide all others
    allowOnly: false,
    reporters: [['default', { summary: !plain }]],
  },
});
