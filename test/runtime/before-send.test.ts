// The hook that is a Lambda function, as Lambda's Invoke API takes and answers it.
import { afterEach, expect, test, vi } from 'vitest';
import type { Caller, Context } from '../../src/core/context.ts';
import { createBeforeSend } from '../../src/runtime/before-send.ts';
import { loadBeforeSend } from '../../src/runtime/hooks.ts';
import { startScriptedServer, type ScriptedAnswer } from './scripted-server.ts';

afterEach(() => vi.unstubAllEnvs());

const functionArn = 'arn:aws:lambda:eu-central-1:123456789012:function:moderate';
const ctx = { log: { info() {}, warn() {}, error() {} } } as unknown as Context;
const caller: Caller = {
  userId: 'alice',
  deviceId: 'phone',
  platform: 'ios',
  connectionId: 'c',
  connectedAt: 0,
  expiresAt: 0,
  arrivedAt: 0,
};
const said = { clientMsgId: 'message-1', type: 'text', body: { text: 'hi' }, silent: false } as const;

async function hookThatAnswers(...answers: [ScriptedAnswer, ...ScriptedAnswer[]]) {
  const { url, asked } = await startScriptedServer(...answers);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', url);
  vi.stubEnv('BEFORE_SEND_FUNCTION', functionArn);
  vi.stubEnv('BEFORE_SEND_FAILURE', 'closed');
  const beforeSend = createBeforeSend();
  return { asked, ask: () => beforeSend(ctx, caller, 'd:alice:bob', said) };
}

test('P8.30: a function is invoked in step, by its ARN, signed for its region', async () => {
  const { asked, ask } = await hookThatAnswers({
    status: 200,
    body: '{"allow":true,"body":{"text":"hello"}}',
  });
  expect(await ask()).toEqual({ body: { text: 'hello' } });
  const [{ method, path, headers, body }] = asked as [(typeof asked)[0]];
  expect([method, decodeURIComponent(path!)]).toEqual([
    'POST',
    `/2015-03-31/functions/${functionArn}/invocations`,
  ]);
  expect(headers.authorization).toContain('/eu-central-1/lambda/aws4_request');
  expect(JSON.parse(body)).toEqual({
    from: 'alice',
    deviceId: 'phone',
    platform: 'ios',
    conversationId: 'd:alice:bob',
    ...said,
  });
});

test.each<[string, ScriptedAnswer]>([
  [
    'that throws',
    { status: 200, headers: { 'x-amz-function-error': 'Unhandled' }, body: '{"errorMessage":"no"}' },
  ],
  ['that is throttled', { status: 429, body: '{"allow":true}' }],
  ['that never answers', { status: 200, body: '{"allow":true}', after: new Promise(() => {}) }],
])('P8.30: a function %s has failed', async (_, answer) => {
  const { asked, ask } = await hookThatAnswers(answer);
  const before = performance.now();
  expect(await ask()).toMatchObject({ error: { code: 'unavailable', retryable: true } });
  expect(performance.now() - before).toBeLessThan(2_000);
  expect(asked).toHaveLength(1);
});

test('without a configuration there is nothing to ask', async () => {
  expect(await loadBeforeSend()).toBeUndefined();
});
