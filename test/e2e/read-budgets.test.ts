// What paging reads, by the meters of the local cloud: hardly more than what it answers, whatever the messages are like.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Slot } from '../../src/protocol/messages.ts';
import type { SyncedMessage, WaitingConversation } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

const LARGEST = 16 * 1024 - '{"text":""}'.length;

/** How long the texts are that a user of that name is sent. */
const lengths: Record<string, readonly number[]> = {
  small: Array.from({ length: 110 }, () => 40),
  large: Array.from({ length: 200 }, () => LARGEST),
  mixed: Array.from({ length: 60 }, (_, index) => [40, LARGEST, 2_000, 40, 9_000][index % 5]!),
};

/** About what the items take that were answered: each read by itself, as BatchGetItem does, or together, as Query does. */
const unitsOf = (...items: readonly unknown[]) =>
  Math.ceil(items.reduce<number>((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)), 0) / 4096);
const unitsOfEach = (items: readonly unknown[]) =>
  items.reduce<number>((sum, item) => sum + unitsOf(item), 0);

/** Units that may be read where so many were answered. */
const budget = (answeredUnits: number) => 1.5 * answeredUnits + 4;

interface Read {
  readonly answer: Frame;
  readonly units: number;
  readonly requests: number;
}

async function read(cloud: Cloud, client: TestClient, action: string, fields: object): Promise<Read> {
  cloud.resetMetrics();
  const answer = await client.request(action, { ...fields });
  expect(answer).toMatchObject({ ok: true });
  const { readUnits, requests } = cloud.metrics().dynamodb;
  return { answer, units: readUnits, requests };
}

describe.each([
  ['for ever', undefined],
  ['for 30 days', 30],
])('B11: messages that are kept %s', (_, messageRetentionDays) => {
  let cloud: Cloud;
  const clients = new Map<string, TestClient>();
  beforeAll(async () => {
    cloud = await startCloud({ environment: { IM_SETTINGS: JSON.stringify({ messageRetentionDays }) } });
    for (const [name, texts] of Object.entries(lengths)) {
      clients.set(name, await connect(cloud, name));
      const sender = await connect(cloud, `to-${name}`);
      for (const length of texts) await sender.send(`user:${name}`, 'x'.repeat(length));
    }
    await cloud.settled();
  }, 120_000);
  afterAll(() => cloud.close());

  describe.each(Object.keys(lengths))('%s', (name) => {
    const count = lengths[name]!.length;
    const conversationId = `d:${name}:to-${name}`;

    test.each([100, 200])('sync, %i events at a time: each page and all of them', async (limit) => {
      const client = clients.get(name)!;
      let after = 0;
      for (let more = true; more;) {
        const { answer, units } = await read(cloud, client, 'sync', { after, limit });
        const events = answer['events'] as SyncedMessage[];
        expect(events.map(({ syncSeq }) => syncSeq)).toEqual(events.map((__, index) => after + index + 1));
        expect(units).toBeLessThanOrEqual(budget(unitsOfEach(events.map(({ message }) => message))));
        after = answer['next'] as number;
        more = answer['more'] as boolean;
      }
      expect(after).toBe(count);
    });

    test.each([
      ['up', { after: 0 }],
      ['down', {}],
    ])('history, %s: each page and all of them', async (direction, start: object) => {
      const client = clients.get(name)!;
      const seqs: number[] = [];
      let from = start;
      for (let end = false; !end;) {
        const { answer, units } = await read(cloud, client, 'history', {
          conversationId,
          limit: 100,
          ...from,
        });
        const messages = answer['messages'] as Slot[];
        expect(units).toBeLessThanOrEqual(budget(unitsOf(...messages)));
        if (direction === 'up') seqs.push(...messages.map(({ seq }) => seq));
        else seqs.unshift(...messages.map(({ seq }) => seq));
        from = direction === 'up' ? { after: seqs.at(-1) } : { before: seqs[0] };
        end = answer['end'] as boolean;
      }
      expect(seqs).toEqual(Array.from({ length: count }, (__, index) => index + 1));
    });

    test.each([
      ['sync', { after: count }],
      ['history', { conversationId, after: count }],
    ])('%s at the end', async (action, fields) => {
      expect((await read(cloud, clients.get(name)!, action, fields)).units).toBeLessThanOrEqual(budget(0));
    });
  });

  // How much waits does not matter: one message tells that what came after it is kept, another what was counted up to it.
  test.each([
    ['pending', { after: 0 }, 200],
    ['positions', { conversationIds: ['d:large:to-large'] }, 200],
    ['read', { conversationId: 'd:large:to-large', seq: 1 }, 199],
  ])('%s, where 200 large messages are unread', async (action, fields, unread) => {
    const { answer, units } = await read(cloud, clients.get('large')!, action, fields);
    const { conversations, positions } = answer as Record<string, { unread: number }[] | undefined>;
    expect((conversations ?? positions)?.[0] ?? answer).toMatchObject({ unread });
    expect(units).toBeLessThanOrEqual(budget(2 * unitsOf({ text: 'x'.repeat(LARGEST) })));
  });

  test('a page of 100 small messages takes three reads of messages', async () => {
    const client = clients.get('small')!;
    await read(cloud, client, 'sync', { after: 0 });
    const { Messages: bySync } = cloud.metrics().dynamodb.byTable;
    expect(bySync!.requests).toBeLessThanOrEqual(3);
  });
});

test('B11: pending reads the last messages of the conversations that it names, and hardly others', async () => {
  const cloud = await startCloud();
  try {
    const client = await connect(cloud, 'many');
    for (let peer = 1; peer <= 20; peer++) {
      await (await connect(cloud, `peer-${peer}`)).send('user:many', 'x'.repeat(LARGEST));
    }
    await cloud.settled();
    const { answer, units } = await read(cloud, client, 'pending', { after: 0 });
    const conversations = answer['conversations'] as WaitingConversation[];
    expect(answer).toMatchObject({ total: 20, more: true });
    expect(conversations[0]).toMatchObject({ conversationId: 'd:many:peer-20', unread: 1, waiting: 1 });
    // The head of a conversation and its last message.
    const answered = conversations.length + unitsOfEach(conversations.map(({ last }) => last));
    expect(units).toBeLessThanOrEqual(budget(answered));
  } finally {
    await cloud.close();
  }
});
