// Messages with an end: TTL removes them late, in any order, and whatever the retention was since.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/core/context.ts';
import { history } from '../../src/core/history.ts';
import { pending } from '../../src/core/pending.ts';
import { fanOut } from '../../src/core/fan-out.ts';
import { positions } from '../../src/core/read-positions.ts';
import { send } from '../../src/core/send.ts';
import { sync } from '../../src/core/sync.ts';
import { NOBODY, toSlot } from '../../src/core/timeline.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { Killed, startTables, type TestTables } from '../support/tables.ts';
import type { SyncedMessage } from '../../src/protocol/server-frames.ts';

const DAY = 86_400_000;
const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
let tables: TestTables;
let alice: Caller;
beforeAll(async () => {
  tables = await startTables(clock);
  alice = await tables.connect('alice');
});
afterAll(() => tables.close());

let peers = 0;

/** A conversation in which alice has said so much, with one retention after another: `undefined` is for ever. */
async function conversation(retentions: readonly (number | undefined)[]) {
  const bob = await tables.connect(`bob-${++peers}`);
  const conversationId = `d:alice:${bob.userId}`;
  for (const [index, messageRetentionDays] of retentions.entries()) {
    clock.now += 1_000;
    const ctx = tables.context({ settings: messageRetentionDays ? { messageRetentionDays } : {} });
    await send(ctx, alice, message(conversationId, `message-${index + 1}`));
  }
  const stored = (await tables.scan('Messages')).filter((item) => item['conversationId'] === conversationId);
  const ctx = tables.context();
  await fanOut(ctx, stored.map((item) => toSlot(item, NOBODY)) as Message[]);
  return {
    ctx,
    bob,
    conversationId,
    remove: (seq: number) => ctx.db.delete('Messages', { conversationId, seq }, {}),
    look: async () => {
      const before = await voids(conversationId);
      const read = await history(ctx, bob, { action: 'history', id: 'h', conversationId, limit: 100 });
      const counts = await pending(ctx, bob, { action: 'pending', id: 'p' });
      const synced = await sync(ctx, bob, { action: 'sync', id: 's', after: 0, limit: 100 });
      if (!read.ok || !('conversations' in counts) || !('events' in synced)) throw new Error('refused');
      // Nothing is written for what has expired.
      expect(await voids(conversationId)).toEqual(before);
      return {
        floorSeq: read.floorSeq,
        history: read.messages.map((slot) => ('void' in slot ? `void ${slot.seq}` : slot.seq)),
        sync: synced.events
          .map((event) => (event as SyncedMessage).message)
          .map((slot) => ('void' in slot ? `void ${slot.seq}` : slot.seq)),
        unread: counts.conversations[0]!.unread,
        waiting: counts.conversations[0]!.waiting,
        total: counts.total,
      };
    },
  };
}

function message(to: string, clientMsgId: string, body = { text: clientMsgId }): ClientFrame<'send'> {
  return { action: 'send', id: 'r', to, clientMsgId, type: 'text', body, silent: false, ephemeral: false };
}

async function voids(conversationId: string) {
  const items = [...(await tables.scan('Messages')), ...(await tables.scan('Conversations'))];
  return items
    .filter((item) => item['conversationId'] === conversationId)
    .filter((item) => item['void'] || item['uncounted'])
    .map((item) => ({ seq: item['seq'], uncounted: item['uncounted'] }));
}

describe('30 days', () => {
  test('expired together, removed from the middle first: nothing is left to read, and nothing is fenced', async () => {
    const { look, remove } = await conversation([30, 30, 30]);
    clock.now += 31 * DAY;
    const nothing = {
      floorSeq: 4,
      history: [],
      sync: ['void 1', 'void 2', 'void 3'],
      unread: 0,
      waiting: 0,
      total: 0,
    };
    expect(await look()).toEqual(nothing);
    for (const seq of [2, 1, 3]) {
      await remove(seq);
      expect(await look()).toEqual(nothing);
    }
  });

  test('the oldest go first: the floor rises', async () => {
    const { look, conversationId, remove } = await conversation([30, 30, 30]);
    clock.now += 29 * DAY;
    await send(
      tables.context({ settings: { messageRetentionDays: 30 } }),
      alice,
      message(conversationId, 'message-4'),
    );
    clock.now += 2 * DAY;
    const left = {
      floorSeq: 4,
      history: [4],
      sync: ['void 1', 'void 2', 'void 3'],
      unread: 1,
      waiting: 0,
      total: 0,
    };
    expect(await look()).toEqual(left);
    for (const seq of [2, 3, 1]) {
      await remove(seq);
      expect(await look()).toEqual(left);
    }
  });
});

test('I6: more has expired than is read through: what is kept behind it is counted exactly', async () => {
  const large = { text: 'x'.repeat(16_000) };
  const bob = await tables.connect(`bob-${++peers}`);
  const conversationId = `d:alice:${bob.userId}`;
  const ctx = tables.context({ settings: { messageRetentionDays: 30 } });
  const say = (n: number) => send(ctx, alice, message(conversationId, `message-${n}`, large));
  for (let n = 1; n <= 30; n++) await say(n);
  clock.now += 29 * DAY;
  for (let n = 31; n <= 33; n++) await say(n);
  clock.now += 2 * DAY;
  const unread = async () => {
    const answer = await positions(ctx, bob, {
      action: 'positions',
      id: 'p',
      conversationIds: [conversationId],
    });
    return answer.positions[0]!.unread;
  };
  expect(await unread()).toBe(3);
  await say(34);
  expect(await unread()).toBe(4);
});

describe('a retention that changed in between', () => {
  test.each([
    ['shortened for a while', [30, 1, 30]],
    ['set, and unset again', [undefined, 1, undefined]],
    ['set, and lengthened later', [undefined, 1, 30]],
  ])('%s: what was sent meanwhile expires in the middle', async (_, retentions) => {
    const { look, remove } = await conversation(retentions);
    clock.now += 2 * DAY;
    const left = {
      floorSeq: 1,
      history: [1, 'void 2', 3],
      sync: [1, 'void 2', 3],
      unread: 2,
      waiting: 2,
      total: 2,
    };
    expect(await look()).toEqual(left);
    await remove(2);
    expect(await look()).toEqual(left);
  });
});

describe('holes', () => {
  test('in a conversation whose messages expire are told apart from what is gone', async () => {
    const { ctx, bob, conversationId, remove } = await conversation([30, 30]);
    const settings = { messageRetentionDays: 30 };
    clock.now += 31 * DAY;
    await remove(1);
    await remove(2);
    const dying = tables.context({ settings, death: { request: 2, when: 'before' } });
    await expect(send(dying, alice, message(conversationId, 'message-3'))).rejects.toThrow(Killed);
    clock.now += 10_000;
    await send(
      tables.context({ settings }),
      { ...alice, deviceId: 'pad' },
      message(conversationId, 'message-4'),
    );
    clock.now += 10_000;
    const read = await history(ctx, bob, { action: 'history', id: 'h', conversationId, limit: 100 });
    expect(read).toMatchObject({ messages: [{ seq: 3, void: true }, { seq: 4 }], floorSeq: 3, headSeq: 4 });
    expect(
      await send(tables.context({ settings }), alice, message(conversationId, 'message-3')),
    ).toMatchObject({
      ok: true,
    });
    const [counts] = [await pending(ctx, bob, { action: 'pending', id: 'p' })];
    expect(counts).toMatchObject({ conversations: [{ unread: 2 }] });
  });

  test('a try that comes again after half a day is a message of its own, where empty slots may be expired ones', async () => {
    const { conversationId } = await conversation([30]);
    const settings = { messageRetentionDays: 30 };
    clock.now += 1_000;
    const dying = tables.context({ settings, death: { request: 2, when: 'before' } });
    await expect(send(dying, alice, message(conversationId, 'message-2'))).rejects.toThrow(Killed);
    clock.now += DAY;
    expect(
      await send(tables.context({ settings }), alice, message(conversationId, 'message-2')),
    ).toMatchObject({
      seq: 3,
    });
  });
});
