// What a hostile member can do with everything that there is to ask for: nothing that makes it dearer for the other one,
// and nothing that grows with how often it is asked.
import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { itemSizeBytes, type Item as StoredItem } from '../../local/dynamodb/capacity.ts';
import { connect, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

const CONVERSATION = 'd:alice:mallory';
let cloud: Cloud;
let alice: TestClient;
let mallory: TestClient;
beforeAll(async () => {
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"sendBurst":1000}' } });
  alice = await connect(cloud, 'alice');
  mallory = await connect(cloud, 'mallory');
  await alice.send('user:mallory', 'hello');
});
afterAll(() => cloud.close());

/** A frame, as often as that at once. */
interface Salvo {
  readonly action: string;
  readonly fields: Record<string, unknown>;
  readonly times: number;
}

const clientMsgId = fc.constantFrom('message-one', 'message-two', 'message-three', 'message-four');
const text = fc.record({ text: fc.constantFrom('x', 'y'.repeat(2_000)) });
const to = fc.constantFrom('user:alice', CONVERSATION, 'user:nobody');
const number = fc.nat(1_000);
const actions: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  send: fc.record(
    {
      to,
      clientMsgId,
      type: fc.constant('text'),
      body: text,
      silent: fc.boolean(),
      ephemeral: fc.boolean(),
      cursor: number,
    },
    { requiredKeys: ['to', 'clientMsgId', 'type', 'body'] },
  ),
  sync: fc.record({ after: number }, { requiredKeys: [] }),
  ack: fc.record({ cursor: number }),
  pending: fc.record({ after: number }, { requiredKeys: [] }),
  history: fc.record(
    { conversationId: to, before: fc.integer({ min: 1, max: 99 }) },
    { requiredKeys: ['conversationId'] },
  ),
  device: fc.oneof(
    fc.record({ pushToken: fc.constantFrom('a', 'b', 'x'.repeat(4_000)) }),
    fc.record({ remove: fc.constant(true) }),
  ),
  ping: fc.record({ cursor: number }, { requiredKeys: [] }),
  nonsense: fc.dictionary(fc.string(), fc.jsonValue()),
};
const salvo: fc.Arbitrary<Salvo> = fc
  .constantFrom(...Object.keys(actions))
  .chain((action) =>
    fc.record({ action: fc.constant(action), fields: actions[action]!, times: fc.constantFrom(1, 10) }),
  );

async function fire({ action, fields, times }: Salvo): Promise<void> {
  const frames = Array.from({ length: times }, () => ({ ...fields, action }));
  if (action === 'ack') for (const frame of frames) mallory.socket.send(JSON.stringify(frame));
  else await Promise.all(frames.map(({ action: name, ...rest }) => mallory.request(name, rest)));
}

async function sizes(table: 'Conversations' | 'Users') {
  const items = await scan(cloud, table);
  return items.map((item) => ({
    key: `${String(item['conversationId'] ?? item['userId'])} ${String(item['item'])}`,
    bytes: itemSizeBytes(marshall(item, { removeUndefinedValues: true }) as unknown as StoredItem),
  }));
}

/** What alice's next message costs: sending it, and the pointers in both mailboxes. */
async function unitsOfVictim(): Promise<number> {
  await cloud.settled();
  cloud.resetMetrics();
  expect(await alice.send('user:mallory', 'still here')).toMatchObject({ ok: true });
  await cloud.settled();
  return cloud.metrics().dynamodb.writeUnits;
}

test('no item grows, no slot is voided, and the other one’s messages cost what they did', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(salvo, { minLength: 10, maxLength: 40 }), async (salvos) => {
      for (const one of salvos) await fire(one);
      await mallory.request('ping');
      // A mailbox page is sealed with every sixteenth message: that is 2 units more for each mailbox.
      expect(await unitsOfVictim()).toBeLessThanOrEqual(4 + 4);

      const conversations = await sizes('Conversations');
      expect(conversations.map(({ key }) => key)).toEqual([`${CONVERSATION} HEAD`]);
      for (const { bytes } of conversations) expect(bytes).toBeLessThanOrEqual(1_024);
      const users = await sizes('Users');
      for (const { key, bytes } of users.filter((item) => item.key.endsWith('HEAD')))
        expect({ key, fits: bytes <= 1_024 }).toEqual({ key, fits: true });
      // Mallory: mailbox, device, view, rate, push token and its holder; the rest are pages, one for sixteen messages.
      const others = users.filter(({ key }) => !/ PAGE#/.test(key));
      expect(others.length).toBeLessThanOrEqual(10);
      const messages = await scan(cloud, 'Messages');
      expect(messages.filter((message) => message['void'])).toEqual([]);
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 120_000);
