// The CDK app: reads the configuration, makes the stack.
import { App, Validations } from 'aws-cdk-lib';
import { ConfigError, readConfig } from '../lib/config.ts';
import { ImStack } from '../lib/im-stack.ts';

const app = new App();
try {
  const config = readConfig(app.node);
  // What a laptop starts is checked when it is deployed, and by the tests: it need not have the tool, or wait for it.
  if (process.env['CDK_VALIDATION'] !== 'false') {
    const { AwsSolutionsChecks } = await import('cdk-nag');
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  }
  new ImStack(app, `serverless-im-${config.stage}`, config, {
    description: 'serverless-im: instant messaging on cloud functions',
  });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
}
