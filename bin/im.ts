// The CDK app: reads the configuration, makes the stack.
import { App } from 'aws-cdk-lib';
import { ConfigError, readConfig } from '../lib/config.ts';
import { ImStack } from '../lib/im-stack.ts';

const app = new App();
try {
  const config = readConfig(app.node);
  new ImStack(app, `serverless-im-${config.stage}`, config, {
    description: 'serverless-im: instant messaging on cloud functions',
  });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
}
