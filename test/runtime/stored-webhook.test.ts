// What an endpoint that is told of stored messages is sent, and which of its answers count.
import { expect, test } from 'vitest';
import type { StoredMessage } from '../../src/core/after-send.ts';
import { createStoredWebhook } from '../../src/runtime/stored-webhook.ts';
import { startScriptedServer, type ScriptedAnswer } from './scripted-server.ts';

const messageOf = (seq: number) => ({ conversationId: 'd:alice:bob', seq }) as StoredMessage;

async function webhookThatAnswers(...answers: [ScriptedAnswer, ...ScriptedAnswer[]]) {
  const { url, asked } = await startScriptedServer(...answers);
  const webhook = createStoredWebhook({ url, secret: async () => 'key', now: () => 1_000, timeoutMs: 200 });
  return { asked, tell: (...seqs: number[]) => webhook.tell(seqs.map(messageOf)) };
}

test('P8.32: a request is named by its first and last message', async () => {
  const { asked, tell } = await webhookThatAnswers({ status: 200 });
  for (const seqs of [[1, 2, 3], [1, 3], [1, 2], [3]]) await tell(...seqs);
  const names = asked.map(({ headers }) => headers['x-im-delivery']);
  expect(names[0]).toBe(names[1]);
  expect(new Set(names).size).toBe(3);
  expect(JSON.parse(asked[1]!.body)).toEqual({ messages: [messageOf(1), messageOf(3)] });
});

test.each<[string, ScriptedAnswer, RegExp]>([
  ['a refusal', { status: 400 }, /answered 400/],
  ['a redirection', { status: 307, headers: { location: 'http://127.0.0.1:9/' } }, /answered 307/],
  ['no answer in time', { status: 204, after: new Promise(() => {}) }, /timeout|aborted/i],
])('P8.32: %s is no taking', async (_, answer, problem) => {
  const { asked, tell } = await webhookThatAnswers(answer);
  await expect(tell(1)).rejects.toThrow(problem);
  expect(asked).toHaveLength(1);
});

test('P8.32: nothing is sent without its signature', async () => {
  const { url, asked } = await startScriptedServer({ status: 204 });
  const secret = () => Promise.reject(new Error('no secret'));
  await expect(createStoredWebhook({ url, secret, now: () => 1_000 }).tell([messageOf(1)])).rejects.toThrow(
    'no secret',
  );
  expect(asked).toEqual([]);
});
