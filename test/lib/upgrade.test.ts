// What an upgrade must not replace: CloudFormation makes another resource where the logical id changes, or a property that
// cannot be changed. What they hold would be left behind: tables, files; and the addresses that clients and backends call.
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { readConfig } from '../../lib/config.ts';
import { ImStack } from '../../lib/im-stack.ts';

/** By type: properties of which CloudFormation says "Update requires: Replacement". */
const lasting: Readonly<Record<string, readonly string[]>> = {
  'AWS::DynamoDB::GlobalTable': ['TableName', 'KeySchema', 'LocalSecondaryIndexes'],
  'AWS::S3::Bucket': ['BucketName'],
  'AWS::ApiGatewayV2::Api': ['ProtocolType'],
  'AWS::SecretsManager::Secret': ['Name'],
};

function statefulResources(): string {
  const app = new App({
    context: { ...cdkJson.context, pushWebhookUrl: 'https://push.example.com/notify' },
  });
  const template = Template.fromStack(new ImStack(app, 'serverless-im-dev', readConfig(app.node)));
  const resources = Object.entries(lasting).flatMap(([type, properties]) =>
    Object.entries(template.findResources(type)).map(([logicalId, { Properties = {} }]) => ({
      logicalId,
      kept: {
        type,
        ...Object.fromEntries(
          properties.flatMap((name) => {
            const value = (Properties as Record<string, unknown>)[name];
            return value === undefined ? [] : [[name, value]];
          }),
        ),
      },
    })),
  );
  const sorted = resources.toSorted((left, right) => (left.logicalId < right.logicalId ? -1 : 1));
  const named = Object.fromEntries(sorted.map(({ logicalId, kept }) => [logicalId, kept]));
  return `${JSON.stringify(named, null, 2)}\n`;
}

test('an upgrade replaces no table, no bucket, no secret and no API', async () => {
  // What is new is written by `npx vitest run test/lib/upgrade -u`: nothing that is there may go, or change.
  await expect(statefulResources()).toMatchFileSnapshot('stateful-resources.json');
});
