// EventBridge's PutEvents, as it takes and answers it.
import { afterEach, expect, test, vi } from 'vitest';
import type { StoredMessage } from '../../src/core/after-send.ts';
import { createEventBus } from '../../src/runtime/event-bus.ts';
import { startScriptedServer, type ScriptedAnswer } from './scripted-server.ts';

afterEach(() => vi.unstubAllEnvs());

const message = { conversationId: 'd:alice:bob', seq: 1, serverTime: 1_500, body: { text: 'hi' } };
const messages = [message, { ...message, seq: 2 }] as unknown as StoredMessage[];

async function busThatAnswers(answer: ScriptedAnswer, bus = 'chat') {
  const { url, asked } = await startScriptedServer(answer);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_ENDPOINT_URL_EVENTBRIDGE', url);
  return { asked, tell: () => createEventBus(bus).tell(messages) };
}

const taken = JSON.stringify({ FailedEntryCount: 0, Entries: [{ EventId: '1' }, { EventId: '2' }] });

test('P8.32: each message is an event of the bus, in one signed request', async () => {
  const { asked, tell } = await busThatAnswers({ status: 200, body: taken });
  await tell();
  const [{ headers, body }] = asked as [(typeof asked)[0]];
  expect(headers['x-amz-target']).toBe('AWSEvents.PutEvents');
  expect(headers.authorization).toContain('/us-east-1/events/aws4_request');
  expect(JSON.parse(body)).toEqual({
    Entries: messages.map((one) => ({
      EventBusName: 'chat',
      Source: 'serverless-im',
      DetailType: 'message',
      Time: 1,
      Detail: JSON.stringify(one),
    })),
  });
});

test('P8.32: a bus of another region is told there', async () => {
  const arn = 'arn:aws:events:eu-west-1:123456789012:event-bus/chat';
  const { asked, tell } = await busThatAnswers({ status: 200, body: taken }, arn);
  await tell();
  expect(asked[0]!.headers.authorization).toContain('/eu-west-1/events/aws4_request');
});

const failed = { FailedEntryCount: 1, Entries: [{ EventId: '1' }, { ErrorCode: 'ThrottlingException' }] };
test.each<[string, ScriptedAnswer, RegExp]>([
  ['of which one entry failed', { status: 200, body: JSON.stringify(failed) }, /1 of 2.*Throttling/],
  ['that is refused', { status: 400, body: '{"__type":"AccessDeniedException"}' }, /400.*AccessDenied/],
])('P8.32: a request %s comes again', async (_, answer, problem) => {
  const { asked, tell } = await busThatAnswers(answer);
  await expect(tell()).rejects.toThrow(problem);
  // Lambda is who tries again.
  expect(asked).toHaveLength(1);
});
