// The CDK app: reads the configuration, makes the stack.
import { App } from 'aws-cdk-lib';
import { readConfig } from '../lib/config.ts';
import { ImStack } from '../lib/im-stack.ts';

const app = new App();
const config = readConfig(app.node);
new ImStack(app, `serverless-im-${config.stage}`, config, {
  description: 'serverless-im: instant messaging on cloud functions',
});
