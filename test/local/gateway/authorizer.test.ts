// The authorizer of `$connect`. Sources: D/ = docs.aws.amazon.com/apigateway/
// latest/developerguide/, otherwise the GitHub issue where somebody showed what AWS does.
import { afterEach, describe, expect, it } from 'vitest';
import {
  commonContext,
  echo,
  id,
  startSandbox,
  tell,
  type Sandbox,
  type SandboxOptions,
} from '../sandbox.ts';

let sandbox: Sandbox;
async function start(options: SandboxOptions): Promise<Sandbox> {
  sandbox = await startSandbox(options);
  return sandbox;
}
afterEach(async () => await sandbox.close());

const allow = `export const handler = async ({ methodArn }) => ({
  principalId: 'u1',
  policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }] },
  context: { tenant: 't1', admin: true, level: 3 },
});`;

// D/apigateway-websocket-api-lambda-auth.html
describe('the authorizer', () => {
  const routes = {
    $connect: 'connect',
    $disconnect: 'disconnect',
    $default: { functionName: 'send', returnsResponse: true },
  };
  const authorized = (authorize: string, more: Partial<SandboxOptions> = {}) =>
    start({
      functions: { authorize, connect: tell(), disconnect: tell(), send: echo },
      routes,
      authorizer: {},
      ...more,
    });
  const answering = (result: string) => `export const handler = async ({ methodArn }) => (${result});`;
  const policy = (effect: string, resource: string) =>
    answering(
      `{ principalId: 'u1', policyDocument: { Statement: { Action: 'execute-api:Invoke', Effect: '${effect}', Resource: ${resource} } } }`,
    );

  it('gets a REQUEST event with the ARN of $connect', async () => {
    await authorized(
      `export const handler = async (event) => { console.log(JSON.stringify(event)); throw new Error('Unauthorized'); };`,
      {
        stageVariables: { color: 'blue' },
      },
    );
    await sandbox.refusal('?token=abc');
    const event = await sandbox.nextEvent('authorize');
    expect(event).toMatchObject({
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:us-east-1:000000000000:abcdef1234/test/$connect',
      headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
      queryStringParameters: { token: 'abc' },
      multiValueQueryStringParameters: { token: ['abc'] },
      stageVariables: { color: 'blue' },
    });
    expect(event['requestContext']).toEqual({ ...commonContext, routeKey: '$connect', eventType: 'CONNECT' });
  });

  // dherault/serverless-offline#1379, #1380; boto/boto3#3789
  it('has its context flattened, as strings, into every later event', async () => {
    await authorized(allow);
    const client = await sandbox.connect();
    client.send('hi');
    const message = JSON.parse(await client.next()) as Record<string, unknown>;
    client.socket.close();
    const authorizer = {
      principalId: 'u1',
      integrationLatency: expect.any(Number),
      tenant: 't1',
      admin: 'true',
      level: '3',
    };
    for (const event of [
      await sandbox.nextEvent('connect'),
      message,
      await sandbox.nextEvent('disconnect'),
    ]) {
      expect(event['requestContext']).toHaveProperty('authorizer', authorizer);
    }
  });

  describe('is not called without its identity sources: 401', () => {
    it.each([
      ['route.request.header.X-Token', {}, { headers: { 'x-token': 'a' } }],
      ['route.request.querystring.token', { path: '?token=' }, { path: '?token=a' }],
    ])('%s', async (source, without, complete) => {
      await authorized(allow, { authorizer: { identitySources: [source] } });
      const { path: emptyPath = '' } = without as { path?: string };
      const refused = await sandbox.refusal(emptyPath);
      expect(refused.status).toBe(401);
      expect(JSON.parse(refused.body)).toEqual({ message: 'Unauthorized', connectionId: id, requestId: id });
      expect(sandbox.metering.snapshot().lambda['authorize']).toBeUndefined();
      const { path = '', ...options } = complete as { path?: string; headers?: Record<string, string> };
      await sandbox.connect(path, options);
    });

    it('stageVariables.X', async () => {
      await authorized(allow, { authorizer: { identitySources: ['stageVariables.color'] } });
      expect((await sandbox.refusal()).status).toBe(401);
    });

    it('context.X', async () => {
      await authorized(allow, { authorizer: { identitySources: ['context.identity.userAgent'] } });
      expect((await sandbox.refusal()).status).toBe(401);
      await sandbox.connect('', { headers: { 'User-Agent': 'wscat' } });
    });
  });

  it.each([
    [
      'throws Error("Unauthorized")',
      `export const handler = async () => { throw new Error('Unauthorized'); };`,
      401,
    ],
    ['throws anything else', `export const handler = async () => { throw new Error('no database'); };`, 500],
    ['denies explicitly', policy('Deny', 'methodArn'), 403],
    ['allows something else, so denies implicitly', policy('Allow', `methodArn + 'x'`), 403],
    // aws-powertools/powertools-lambda-python#5800
    ['allows a REST-shaped ARN', policy('Allow', `methodArn.replace('$connect', '*/*')`), 403],
    ['allows by wildcard', policy('Allow', `methodArn.replace('$connect', '*')`), 101],
    ['answers nothing', answering('undefined'), 500],
    ['answers without a principalId', answering(`{ policyDocument: { Statement: [] } }`), 500],
    ['answers without a policy', answering(`{ principalId: 'u1' }`), 500],
  ])('%s', async (_case, authorize, status) => {
    await authorized(authorize);
    if (status === 101) await sandbox.connect();
    else expect((await sandbox.refusal()).status).toBe(status);
    expect(sandbox.metering.snapshot().lambda['connect']?.invocations).toBe(status === 101 ? 1 : undefined);
  });

  it('with an object in its context is malformed: 500', async () => {
    await authorized(allow.replace(`tenant: 't1'`, `tenant: { id: 't1' }`));
    expect((await sandbox.refusal()).status).toBe(500);
  });

  // D/apigateway-execution-service-websocket-limits-table.html
  it('with a result above 8 KB is malformed: 500', async () => {
    await authorized(allow.replace(`tenant: 't1'`, `tenant: 'x'.repeat(8192)`));
    expect((await sandbox.refusal()).status).toBe(500);
  });

  // aws/aws-cdk#18208
  it('that API Gateway has no permission to invoke: 500', async () => {
    await authorized(allow, { authorizer: { mayInvoke: false } });
    expect((await sandbox.refusal()).status).toBe(500);
    expect(sandbox.metering.snapshot().lambda['authorize']).toBeUndefined();
  });
});
