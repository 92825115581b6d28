import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest looks for it
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // Nothing is timed: this ends what hangs, on a machine however busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    // The gate runs a JVM, Chromium and the suite on two cores: a starved test gets a second chance there, and is named.
    retry: process.env['CI'] ? 1 : 0,
    // Two cores, and each file of end-to-end tests runs a whole cloud.
    maxWorkers: 2,
    pool: 'forks',
    env: {
      // `npm run synth` validates the template against CloudFormation's schemas; that takes 5 s each time.
      CDK_VALIDATION: 'false',
      // Every file would say that some coming AWS SDK wants Node.js 22.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
  },
});
