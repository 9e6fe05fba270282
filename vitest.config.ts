import { defineConfig } from 'vitest/config';

/** Tiers: unit (our code alone), oracle (QEMU's models, slirp, Linux TCP), guest (Linux and iPXE over our models). */
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/oracle/**', 'test/guest/**', 'test/types/**'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'oracle',
          include: ['test/oracle/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'guest',
          include: ['test/guest/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
        },
      },
      {
        // Figures, no tests: `npm run bench:guest`.
        test: {
          name: 'bench',
          include: ['test/bench/guest/**/*.bench.ts'],
          testTimeout: 900_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
