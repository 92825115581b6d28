// What a message may hold: what is taken comes back as it was sent, by every way; what is not says why.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
let alice: TestClient;

beforeAll(async () => {
  cloud = await startCloud();
  alice = await connect(cloud, 'alice');
});
afterAll(() => cloud.close());

let peers = 0;
/** Somebody that alice has not written to. */
async function newPeer() {
  const userId = `peer-${++peers}`;
  return { userId, client: await connect(cloud, userId), conversationId: `d:alice:${userId}` };
}

/** As text, for a test's own objects would be no proof of what was on the wire. */
const sendText = (userId: string, body: string, fields = '') =>
  `{"action":"send","id":"${randomUUID()}","to":"user:${userId}","clientMsgId":"${randomUUID()}","type":"custom","body":${body}${fields}}`;

const nested = (arrays: number) => `{"a":${'['.repeat(arrays)}${']'.repeat(arrays)}}`;

/** The body in what came, as text: equality of objects would not see an own `__proto__`. */
const bodyIn = (message: unknown) => JSON.stringify((message as { body: unknown }).body);

describe('P4.1: a body comes back as it was sent, by push, sync, history, pending and as ephemeral', () => {
  test.each([
    [
      'keys that objects have by themselves',
      '{"constructor":1,"prototype":{"a":2},"__proto__":{"polluted":true}}',
    ],
    ['such keys further down', '{"a":{"constructor":1,"__proto__":[{"__proto__":null}],"toString":"x"}}'],
    ['32 levels', nested(31)],
    ['nothing', '{}'],
    ['all kinds of values', '{"":null,"a":[0,-1.5,1e+300,true,false,[]],"\\u0000":"😀\\u0000\\"","ü":{}}'],
    ['the doubles next to big integers', '{"n":9007199254740992}'],
  ])('%s', async (_, body) => {
    const { userId, client, conversationId } = await newPeer();
    expect(await alice.raw(sendText(userId, body))).toMatchObject({ ok: true, seq: 1 });
    const [pushed] = await client.eventsUpTo(1);
    expect(bodyIn(pushed!.message)).toBe(body);

    expect(await alice.raw(sendText(userId, body, ',"ephemeral":true'))).toMatchObject({ ok: true });
    await client.until(() => client.pushes.length === 2, 'the ephemeral message');
    expect(bodyIn(client.pushes[1]!['message'])).toBe(body);
    const { messages } = (await client.request('history', { conversationId })) as {
      messages: unknown[];
    } & Frame;
    expect(bodyIn(messages[0])).toBe(body);
    const { conversations } = (await client.request('pending')) as {
      conversations: { last: unknown }[];
    } & Frame;
    expect(bodyIn(conversations[0]!.last)).toBe(body);
    const { events } = (await client.request('sync', { after: 0 })) as {
      events: { message: unknown }[];
    } & Frame;
    expect(bodyIn(events[0]!.message)).toBe(body);
  });

  test('of every type, beside the fields that the type has', async () => {
    const { userId } = await newPeer();
    const body = '{"constructor":"c","text":"hi","url":"u","__proto__":"p"}';
    for (const type of ['text', 'image', 'voice', 'video', 'file']) {
      const frame = sendText(userId, body).replace('"type":"custom"', `"type":"${type}"`);
      expect(await alice.raw(frame)).toMatchObject({ ok: true });
    }
    const { messages } = (await alice.request('history', { conversationId: `d:alice:${userId}` })) as {
      messages: unknown[];
    } & Frame;
    expect(messages.map(bodyIn)).toEqual(Array(5).fill(body));
  });

  test('keys that differ from a first try are another payload', async () => {
    const { userId } = await newPeer();
    const frame = sendText(userId, '{"constructor":1}');
    expect(await alice.raw(frame)).toMatchObject({ ok: true, seq: 1 });
    expect(await alice.raw(frame)).toMatchObject({ ok: true, seq: 1, duplicate: true });
    expect(await alice.raw(frame.replace('{"constructor":1}', '{"constructor":2}'))).toMatchObject({
      error: { code: 'idempotency_conflict' },
    });
  });
});

describe('what cannot come back as it was sent is bad_request, and nothing is stored', () => {
  test.each([
    ['P4.2', '33 levels', nested(32), 'body: is nested more than 32 levels deep'],
    ['P4.2', '3,400 arrays', nested(3_400), 'body: is nested more than 32 levels deep'],
    ['P4.2', '16,000 arrays', nested(16_000), 'body: is nested more than 32 levels deep'],
    ['P4.2', '33 levels of objects', `${'{"a":'.repeat(32)}{}${'}'.repeat(32)}`, 'body: is nested more'],
    ['P4.1', 'an array', '[1,2]', 'body: must be an object'],
    ['P4.1', 'null', 'null', 'body: must be an object'],
    ['P4.3', 'half a pair', '{"a":"\\ud800"}', 'body: holds half a surrogate pair'],
    ['P4.3', 'halves in the wrong order', '{"a":"\\udc00\\ud800"}', 'body: holds half a surrogate pair'],
    ['P4.3', 'half a pair in a key', '{"\\udfff":1}', 'body: holds half a surrogate pair'],
    ['P4.3', 'half a pair deep down', '{"a":[{"b":{"x\\ud83d":[]}}]}', 'body: holds half a surrogate pair'],
    ['P4.4', 'a number beyond all doubles', '{"a":[1e999]}', 'body: holds a number that no double can hold'],
  ])('%s: %s', async (_, _name, body, reason) => {
    const { userId } = await newPeer();
    for (const fields of ['', ',"ephemeral":true']) {
      const answer = await alice.raw(sendText(userId, body, fields));
      expect(answer).toMatchObject({ ok: false, error: { code: 'bad_request', retryable: false } });
      expect((answer['error'] as { message: string }).message).toContain(reason);
    }
    const messages = await scan(cloud, 'Messages');
    expect(messages.filter(({ conversationId }) => conversationId === `d:alice:${userId}`)).toEqual([]);
  });

  test('P4.3: a push token', async () => {
    expect(await alice.request('device', { pushToken: 'token \ud800', provider: 'fcm' })).toMatchObject({
      error: {
        code: 'bad_request',
        message: expect.stringContaining('pushToken: holds half a surrogate pair'),
      },
    });
  });
});

test('P4.5: a body in ASCII escapes can be too long for a frame, though not as UTF-8', async () => {
  const { userId } = await newPeer();
  const text = 'ü'.repeat(8_000);
  expect(
    await alice.request('send', {
      to: `user:${userId}`,
      clientMsgId: randomUUID(),
      type: 'text',
      body: { text },
    }),
  ).toMatchObject({ ok: true });
  const client = await connect(cloud, 'alice', { deviceId: 'escapes', platform: 'bot' });
  client.socket.send(sendText(userId, `{"text":"${'\\u00fc'.repeat(8_000)}"}`));
  expect(await client.closed).toBe(1009);
});
