import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest looks for it
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores, and each file of end-to-end tests runs a whole cloud.
    maxWorkers: 2,
    pool: 'forks',
    // `npm run synth` validates the template against CloudFormation's schemas; that takes 5 s each time.
    env: { CDK_VALIDATION: 'false' },
  },
});
