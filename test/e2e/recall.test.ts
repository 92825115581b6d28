// Taking back over real sockets: when it is answered, nobody is given the old body any more, whatever way they look.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { tableDefinitions, type TableName } from '../../src/core/tables.ts';
import type { Message, Slot } from '../../src/protocol/messages.ts';
import type { SyncedMessage } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({
    environment: { IM_SETTINGS: JSON.stringify({ pushFreshMs: 200, recallSeconds: 30, editSeconds: 30 }) },
  });
});
afterAll(() => cloud.close());

let pairs = 0;
async function newPair() {
  const n = ++pairs;
  const bob = await connect(cloud, `bob-${n}`);
  const alice = await connect(cloud, `alice-${n}`);
  return { alice, bob, aliceId: `alice-${n}`, bobId: `bob-${n}`, conversationId: `d:alice-${n}:bob-${n}` };
}

const errorOf = (answer: Frame) => answer['error'] as { code: string; message: string };
const history = async (client: TestClient, conversationId: string) =>
  (await client.request('history', { conversationId }))['messages'] as Slot[];
const eventsOf = async (client: TestClient) =>
  (await client.request('sync', { after: 0 }))['events'] as SyncedMessage[];
const tables = Object.keys(tableDefinitions) as TableName[];
const everythingStored = async () =>
  JSON.stringify(await Promise.all(tables.map((table) => scan(cloud, table))));

describe('P5.11: recall', () => {
  test('empties the message, and a control message tells of it with the message as it is now', async () => {
    const { alice, bob, aliceId, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, 'a secret');
    await alice.send(`user:${bobId}`, 'no secret');
    await bob.eventsUpTo(2);
    expect(await alice.request('recall', { conversationId, seq: 1 })).toMatchObject({ ok: true, seq: 3 });
    expect(await alice.request('recall', { conversationId, seq: 1 })).toMatchObject({ ok: true, seq: 3 });

    const recalled = { seq: 1, type: 'text', from: aliceId, recalled: true, body: {} };
    const control = {
      seq: 3,
      type: 'control',
      from: aliceId,
      body: { op: 'recall', seq: 1, by: aliceId },
      silent: true,
    };
    for (const client of [alice, bob]) {
      await client.until(() => client.events.some(({ target }) => target), 'the control message');
      expect(client.events.at(-1)).toMatchObject({ message: control, target: recalled });
      expect(await history(client, conversationId)).toMatchObject([recalled, { seq: 2 }, control]);
      expect(await eventsOf(client)).toMatchObject([
        { syncSeq: 1, message: recalled },
        { syncSeq: 2, message: { seq: 2 } },
        { syncSeq: 3, message: control, target: recalled },
      ]);
    }
    expect(await bob.request('positions', { conversationIds: [conversationId] })).toMatchObject({
      positions: [{ unread: 1, lastSeq: 3 }],
    });
    expect(await bob.request('pending', { after: 0 })).toMatchObject({
      conversations: [{ unread: 1, last: { seq: 2 } }],
    });
  });

  test('I7: at once, while the stream delivers late and twice, nobody hears the body once it is answered', async () => {
    cloud.setFaults({
      seed: 7,
      stream: { duplicate: 0.5, delayMs: [0, 900] },
      gateway: { duplicatePush: 0.3 },
    });
    const { alice, bob, bobId, aliceId, conversationId } = await newPair();
    const more = await Promise.all(
      [bobId, aliceId].flatMap((userId) =>
        ['android', 'web', 'desktop', 'bot'].map((platform) =>
          connect(cloud, userId, { deviceId: platform, platform }),
        ),
      ),
    );
    const devices = [alice, bob, ...more];
    const texts = Array.from({ length: 8 }, (_, n) => `taken back soon ${n} ${conversationId}`);
    const after = new Map<string, number[]>();
    const recalling: Promise<void>[] = [];
    for (const text of texts) {
      const { seq } = await alice.send(`user:${bobId}`, text);
      const recalled = async () => {
        expect(await alice.request('recall', { conversationId, seq })).toMatchObject({ ok: true });
        after.set(
          text,
          devices.map((device) => device.frames.length),
        );
      };
      recalling.push(recalled());
    }
    await Promise.all(recalling);
    await cloud.settled();
    cloud.clearFaults();
    for (const text of texts) {
      for (const [index, device] of devices.entries()) {
        const heard = JSON.stringify(device.frames.slice(after.get(text)![index]));
        expect(heard).not.toContain(text);
      }
    }
    for (const device of devices) {
      const events = JSON.stringify(await eventsOf(device));
      const all = JSON.stringify(await history(device, conversationId));
      for (const text of texts) for (const answer of [events, all]) expect(answer).not.toContain(text);
    }
    const stored = await everythingStored();
    for (const text of texts) expect(stored).not.toContain(text);
    expect(await bob.request('positions', { conversationIds: [conversationId] })).toMatchObject({
      positions: [{ unread: 0 }],
    });
  });

  test('ten of the same at once take one number', async () => {
    const { alice, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => alice.request('recall', { conversationId, seq: 1 })),
    );
    expect(new Set(answers.map(({ seq }) => seq))).toEqual(new Set([2]));
    expect(await history(alice, conversationId)).toHaveLength(2);
  });

  test('goes through while the other writes at full speed', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    const seqs = await Promise.all(
      Array.from({ length: 5 }, async (_, n) => (await alice.send(`user:${bobId}`, `mine ${n}`))['seq']),
    );
    const flood = Array.from({ length: 40 }, (_, n) => bob.send(conversationId, `flood ${n}`));
    const recalled = await Promise.all(seqs.map((seq) => alice.request('recall', { conversationId, seq })));
    for (const answer of recalled) expect(answer).toMatchObject({ ok: true });
    await Promise.all(flood);
    const slots = await history(alice, conversationId);
    expect(slots.map(({ seq }) => seq)).toEqual(slots.map((_, index) => index + 1));
    expect(slots.filter((slot) => 'recalled' in slot && slot.recalled)).toHaveLength(5);
    expect(slots.filter((slot) => 'type' in slot && slot.type === 'control')).toHaveLength(5);
    expect(await alice.request('positions', { conversationIds: [conversationId] })).toMatchObject({
      positions: [{ lastSeq: slots.length }],
    });
  });

  test('of a message that is not one’s own, or none, is refused, and changes nothing', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    const refused = async (client: TestClient, seq: number, action = 'recall') =>
      errorOf(
        await client.request(action, { conversationId, seq, clientMsgId: 'an-edit-1', body: { text: 'x' } }),
      ).code;
    for (const action of ['recall', 'edit']) {
      expect(await refused(bob, 1, action)).toBe('forbidden');
      expect(await refused(alice, 2, action)).toBe('not_found');
      expect(await refused(await connect(cloud, 'mallory'), 1, action)).toBe('not_member');
    }
    await alice.request('recall', { conversationId, seq: 1 });
    expect(await refused(alice, 1, 'edit')).toBe('not_found');
    for (const action of ['recall', 'edit']) expect(await refused(alice, 2, action)).toBe('not_found');
    expect(await history(alice, conversationId)).toHaveLength(2);
  });
});

describe('P5.12: edit', () => {
  test('changes the body in place; every device reads it as it is now', async () => {
    const { alice, bob, bobId, aliceId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, 'the firts');
    await bob.eventsUpTo(1);
    const change = { conversationId, seq: 1, clientMsgId: 'edit-number-1', body: { text: 'the first' } };
    const answer = await alice.request('edit', change);
    expect(answer).toMatchObject({ ok: true, seq: 2 });
    const edited = answer['edited'] as number;
    const target = { seq: 1, body: { text: 'the first' }, edited, recalled: false };
    await bob.until(() => bob.events.some((event) => event.target), 'the control message');
    expect(bob.events.at(-1)).toMatchObject({
      message: { seq: 2, type: 'control', body: { op: 'edit', seq: 1, by: aliceId } },
      target,
    });
    expect(bob.events.at(-1)!.message).not.toHaveProperty('body.text');
    expect((await history(bob, conversationId))[0]).toMatchObject(target);
    expect((await eventsOf(bob))[0]!.message).toMatchObject(target);

    // The same again; another under the same name; and one more, which is the newer.
    expect(await alice.request('edit', change)).toMatchObject({ ok: true, seq: 2, edited });
    const other = await alice.request('edit', { ...change, body: { text: 'another' } });
    expect(errorOf(other).code).toBe('idempotency_conflict');
    const next = await alice.request('edit', {
      ...change,
      clientMsgId: 'edit-number-2',
      body: { text: '1st' },
    });
    expect(next['seq']).toBe(3);
    expect(next['edited']).toBeGreaterThan(edited);
    expect(await alice.request('edit', change)).toMatchObject({ ok: true, seq: 2, edited });
    expect((await history(bob, conversationId))[0]).toMatchObject({ body: { text: '1st' } });
    expect(await bob.request('positions', { conversationIds: [conversationId] })).toMatchObject({
      positions: [{ unread: 1 }],
    });
  });

  test('of two devices at once: both are done, one after the other', async () => {
    const { alice, aliceId, bobId, conversationId } = await newPair();
    const web = await connect(cloud, aliceId, { deviceId: 'web', platform: 'web' });
    await alice.send(`user:${bobId}`, '0');
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        (n % 2 ? alice : web).request('edit', {
          conversationId,
          seq: 1,
          clientMsgId: `edit-of-many-${n}`,
          body: { text: `${n}` },
        }),
      ),
    );
    const newest = answers.toSorted((a, b) => (a['edited'] as number) - (b['edited'] as number)).at(-1)!;
    const [message] = (await history(web, conversationId)) as Message[];
    expect(message!.edited).toBe(newest['edited']);
    expect(message!.body['text']).toBe(`${answers.indexOf(newest) + 1}`);
  });

  test('takes no body that its type does not have, and none that is too large', async () => {
    const { alice, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    const tryBody = async (body: unknown) =>
      errorOf(await alice.request('edit', { conversationId, seq: 1, clientMsgId: 'edit-that-fails', body }));
    expect(await tryBody({ text: 7 })).toMatchObject({ code: 'bad_request' });
    expect((await tryBody({})).message).toBe('body.text: is missing');
    expect(await tryBody({ text: 'x'.repeat(17_000) })).toMatchObject({ code: 'too_large' });
    expect(await history(alice, conversationId)).toHaveLength(1);
  });
});

test('P5.11, P5.12: both have their time', async () => {
  const short = await startCloud({
    environment: { IM_SETTINGS: JSON.stringify({ recallSeconds: 0, editSeconds: 0 }) },
  });
  try {
    await connect(short, 'bob');
    const alice = await connect(short, 'alice');
    const { serverTime } = await alice.send('user:bob', '1');
    const conversationId = 'd:alice:bob';
    let now: unknown;
    do now = (await alice.request('ping'))['serverTime'];
    while ((now as number) <= (serverTime as number));
    const change = { conversationId, seq: 1, clientMsgId: 'edit-too-late', body: { text: '2' } };
    for (const action of ['recall', 'edit']) {
      expect(errorOf(await alice.request(action, change))).toMatchObject({ code: 'recall_expired' });
    }
    expect((await alice.request('history', { conversationId }))['messages']).toMatchObject([
      { body: { text: '1' }, recalled: false, edited: null },
    ]);
  } finally {
    await short.close();
  }
});

test('B7: recall and edit cost at most 9 write units, mailboxes included', async () => {
  const { alice, bobId, conversationId } = await newPair();
  const text = 'x'.repeat(100);
  await alice.send(`user:${bobId}`, text);
  await alice.send(`user:${bobId}`, text);
  await cloud.settled();
  for (const [action, fields] of [
    ['recall', { seq: 1 }],
    ['edit', { seq: 2, clientMsgId: 'edit-that-costs', body: { text } }],
  ] as const) {
    cloud.resetMetrics();
    expect(await alice.request(action, { conversationId, ...fields })).toMatchObject({ ok: true });
    await cloud.settled();
    expect(cloud.metrics().dynamodb.writeUnits).toBeLessThanOrEqual(9);
  }
});
