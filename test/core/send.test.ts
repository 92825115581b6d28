import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/core/context.ts';
import { history } from '../../src/core/history.ts';
import { voidSlot } from '../../src/core/fencing.ts';
import { memberPlace, readMemberships, unreadCount } from '../../src/core/members.ts';
import { send } from '../../src/core/send.ts';
import { ringAttributes } from '../../src/core/tables.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import { startTables, type Death, type TestContext, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
let tables: TestTables;
let alice: Caller;
let ctx: TestContext;

beforeAll(async () => {
  tables = await startTables(clock);
  alice = await tables.connect('alice');
  ctx = tables.context();
});
afterAll(() => tables.close());

let users = 0;
/** A peer that alice has not talked to yet. */
async function newPeer(): Promise<Caller> {
  return tables.connect(`peer-${++users}`);
}

function message(to: string, clientMsgId: string, text = 'hi', silent = false): ClientFrame<'send'> {
  return { action: 'send', id: 'r', to, clientMsgId, type: 'text', body: { text }, silent, ephemeral: false };
}

function historyOf(conversationId: string): ClientFrame<'history'> {
  return { action: 'history', id: 'h', conversationId, limit: 100 };
}

async function unread(userId: string, conversationId: string): Promise<number> {
  const memberships = await readMemberships(ctx, [conversationId], userId);
  return unreadCount(ctx, conversationId, memberships.get(conversationId)!);
}

/** Sends with a sender that dies, and returns whether it died. */
async function sendAndDie(request: ClientFrame<'send'>, death: Death): Promise<boolean> {
  // Not so soon after another send that its number takes two tries.
  clock.now += 1_000;
  try {
    await send(tables.context({ death }), alice, request);
    return false;
  } catch {
    return true;
  }
}

describe('I2: one clientMsgId of a sender holds one seq', () => {
  test('a repeat answers the original seq and says that it is one', async () => {
    const { userId } = await newPeer();
    const first = await send(ctx, alice, message(`user:${userId}`, 'message-1'));
    await send(ctx, alice, message(`user:${userId}`, 'message-2'));
    const again = await send(ctx, alice, message(`user:${userId}`, 'message-1'));
    expect(first).toMatchObject({ ok: true, seq: 1 });
    expect(again).toEqual({ ...first, duplicate: true });
  });

  test('the same clientMsgId with another payload is a conflict, and takes no number', async () => {
    const { userId } = await newPeer();
    await send(ctx, alice, message(`user:${userId}`, 'message-1', 'one'));
    for (const other of [
      message(`user:${userId}`, 'message-1', 'two'),
      message(`user:${userId}`, 'message-1', 'one', true),
    ]) {
      expect(await send(ctx, alice, other)).toMatchObject({
        ok: false,
        error: { code: 'idempotency_conflict' },
      });
    }
    expect(await send(ctx, alice, message(`user:${userId}`, 'message-2'))).toMatchObject({ seq: 2 });
  });

  test.each([
    ['over a newer connection', 100, { connectionId: 'newer' }],
    ['over the same one, after as long as a client waits', 10_000, {}],
  ])(
    'a first try that comes to its update after a repeat %s and three others is refused',
    async (_, laterMs, on) => {
      const { userId } = await newPeer();
      const arrivedAt = clock.now;
      clock.now += laterMs;
      const later = { ...alice, ...on, arrivedAt: clock.now };
      for (const id of ['message-1', 'message-2', 'message-3', 'message-4']) {
        expect(await send(ctx, later, message(`user:${userId}`, id))).toMatchObject({ ok: true });
        clock.now += 10;
        later.arrivedAt = clock.now;
      }
      expect(await send(ctx, { ...alice, arrivedAt }, message(`user:${userId}`, 'message-1'))).toMatchObject({
        ok: false,
        error: { code: 'unavailable', retryable: true },
      });
      const read = await history(ctx, alice, historyOf(`d:alice:${userId}`));
      expect(read).toMatchObject({ headSeq: 4 });
    },
  );

  test('a first try whose number was voided and forgotten meanwhile is refused', async () => {
    const { userId } = await newPeer();
    const conversationId = `d:alice:${userId}`;
    await send(ctx, alice, message(`user:${userId}`, 'message-0'));
    clock.now += 100;
    const slow = tables.context({
      beforeRequest: async (request) => {
        if (request !== 2) return;
        // It has its number, 2, and is about to put the message there.
        await voidSlot(ctx, conversationId, { seq: 2, counted: 2, silent: false });
        for (const id of ['message-1', 'message-2', 'message-3', 'message-4']) {
          clock.now += 100;
          await send(ctx, alice, message(`user:${userId}`, id));
        }
      },
    });
    expect(await send(slow, { ...alice }, message(`user:${userId}`, 'message-1'))).toMatchObject({
      ok: false,
      error: { code: 'unavailable' },
    });
    const read = await history(ctx, alice, historyOf(conversationId));
    expect(read).toMatchObject({ headSeq: 6 });
  });

  test('what arrives over one connection before the first is stored is no repeat', async () => {
    const { userId } = await newPeer();
    const caller = { ...alice, arrivedAt: clock.now };
    for (const id of ['message-1', 'message-2', 'message-3', 'message-4', 'message-5']) {
      expect(await send(ctx, caller, message(`user:${userId}`, id))).toMatchObject({ ok: true });
      clock.now += 500;
    }
  });

  test('twenty tries at once make one message', async () => {
    const { userId } = await newPeer();
    await send(ctx, alice, message(`user:${userId}`, 'message-0'));
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send(tables.context(), alice, message(`user:${userId}`, 'message-1'))),
    );
    const seqs = new Set(answers.map((answer) => answer.ok && answer.seq));
    expect(seqs.size).toBe(1);
    expect(answers.filter((answer) => !('duplicate' in answer))).toHaveLength(1);

    clock.now += 60_000;
    const answer = await history(ctx, alice, historyOf(`d:alice:${userId}`));
    if (!answer.ok) throw new Error('refused');
    const stored = answer.messages.filter((slot) => !isVoid(slot) && slot.clientMsgId === 'message-1');
    expect(stored).toHaveLength(1);
    expect(answer.messages.map(({ seq }) => seq)).toEqual(
      Array.from({ length: answer.headSeq }, (_, index) => index + 1),
    );
    expect(await unread(userId, `d:alice:${userId}`)).toBe(2);
  });

  test('a device’s repeat is recognised whatever its user’s other devices have sent meanwhile', async () => {
    const { userId } = await newPeer();
    const first = await send(ctx, alice, message(`user:${userId}`, 'message-x'));
    const laptop = { ...alice, deviceId: 'laptop' };
    for (let n = 1; n <= 16; n++) await send(ctx, laptop, message(`user:${userId}`, `message-${n}`));
    expect(await send(ctx, alice, message(`user:${userId}`, 'message-x'))).toEqual({
      ...first,
      duplicate: true,
    });
  });

  test('each device’s last three sends are remembered, and of more than five devices the latest', async () => {
    const { userId } = await newPeer();
    const device = (n: number) => ({ ...alice, deviceId: `device-${n}` });
    for (const n of [1, 2, 3, 4, 5, 6]) {
      for (const k of [1, 2, 3]) await send(ctx, device(n), message(`user:${userId}`, `message-${n}-${k}`));
    }
    for (const n of [2, 3, 4, 5, 6]) {
      for (const k of [1, 2, 3]) {
        expect(await send(ctx, device(n), message(`user:${userId}`, `message-${n}-${k}`))).toMatchObject({
          seq: 3 * (n - 1) + k,
          duplicate: true,
        });
      }
    }
    const [item] = (await tables.scan('Conversations')).filter(
      ({ conversationId }) => conversationId === `d:alice:${userId}`,
    );
    expect(ringAttributes(Object.keys(item!), 'a')).toHaveLength(5);
  });

  test('the order of keys does not make another payload', async () => {
    const { userId } = await newPeer();
    const custom = (body: Record<string, unknown>): ClientFrame<'send'> => ({
      ...message(`user:${userId}`, 'message-1'),
      type: 'custom',
      body,
    });
    const first = await send(ctx, alice, custom({ a: 1, b: { c: [1, 2], d: 'x' } }));
    expect(await send(ctx, alice, custom({ b: { d: 'x', c: [1, 2] }, a: 1 }))).toEqual({
      ...first,
      duplicate: true,
    });
    expect(await send(ctx, alice, custom({ b: { d: 'x', c: [2, 1] }, a: 1 }))).toMatchObject({
      error: { code: 'idempotency_conflict' },
    });
  });

  test('two users who open their conversation at the same moment open one', async () => {
    const bob = await newPeer();
    const answers = await Promise.all([
      send(tables.context(), alice, message(`user:${bob.userId}`, 'from-alice')),
      send(tables.context(), bob, message('user:alice', 'from-bob-1')),
    ]);
    expect(answers.map((answer) => (answer.ok ? answer.seq! : 0)).toSorted((a, b) => a - b)).toEqual([1, 2]);
  });
});

describe('I3, I4: a sender is killed around each of its requests, and sends again', () => {
  for (const when of ['before', 'after'] as const) {
    test(`${when} the n-th request, for n = 1, 2, 3 … until it survives`, async () => {
      let survived = false;
      for (let request = 1; !survived; request++) {
        expect(request).toBeLessThan(10);
        const { userId } = await newPeer();
        const conversationId = `d:alice:${userId}`;
        await send(ctx, alice, message(conversationId, 'message-1'));

        survived = !(await sendAndDie(message(conversationId, 'message-2'), { request, when }));
        // Somebody else's message comes between, and a reader who thinks that the hole has settled.
        await send(ctx, { ...alice, userId, deviceId: 'pad' }, message('user:alice', 'message-3'));
        const fenceFirst = request % 2 === 0;
        if (fenceFirst) clock.now += 60_000;
        await history(ctx, alice, historyOf(conversationId));

        const again = await send(ctx, alice, message(conversationId, 'message-2'));
        expect(again).toMatchObject({ ok: true });
        clock.now += 60_000;
        const answer = await history(ctx, alice, historyOf(conversationId));
        if (!answer.ok || !again.ok) throw new Error('refused');

        // Dense: every number is a message or a void; the message stands once, where the answer says.
        expect(answer.messages.map(({ seq }) => seq)).toEqual(
          Array.from({ length: answer.headSeq }, (_, index) => index + 1),
        );
        const mine = answer.messages.filter((slot) => !isVoid(slot) && slot.clientMsgId === 'message-2');
        expect(mine.map(({ seq }) => seq)).toEqual([again.seq]);
        // I6: two messages of alice's are unread for the peer, unless its own send came after them.
        const peerSent = answer.messages.find(
          (slot) => !isVoid(slot) && slot.clientMsgId === 'message-3',
        )!.seq;
        expect(await unread(userId, conversationId)).toBe(again.seq! > peerSent ? 1 : 0);
      }
    });
  }

  test('a slow sender finds its slot fenced, and its message gets a new number', async () => {
    const { userId } = await newPeer();
    const conversationId = `d:alice:${userId}`;
    await send(ctx, alice, message(conversationId, 'message-1'));
    // It dies before its second request, the message's.
    await sendAndDie(message(conversationId, 'message-2'), { request: 2, when: 'before' });
    expect(await voidSlot(ctx, conversationId, { seq: 2, counted: 2, silent: false })).toMatchObject({
      conversationId,
      seq: 2,
      void: true,
    });
    expect(await send(ctx, alice, message(conversationId, 'message-2'))).toMatchObject({ ok: true, seq: 3 });
    expect(await send(ctx, alice, message(conversationId, 'message-2'))).toMatchObject({
      seq: 3,
      duplicate: true,
    });
    expect(await unread(userId, conversationId)).toBe(2);
  });

  test('a void never takes the place of a message', async () => {
    const { userId } = await newPeer();
    const conversationId = `d:alice:${userId}`;
    await send(ctx, alice, message(conversationId, 'message-1'));
    const slot = await voidSlot(ctx, conversationId, { seq: 1, counted: 1, silent: false });
    expect(slot).toMatchObject({ seq: 1, clientMsgId: 'message-1' });
    expect(await unread(userId, conversationId)).toBe(1);
  });

  test('a silent send that dies is not counted, whoever fences it', async () => {
    const { userId } = await newPeer();
    const conversationId = `d:alice:${userId}`;
    await send(ctx, alice, message(conversationId, 'message-1'));
    await sendAndDie(message(conversationId, 'message-2', 'hush', true), { request: 2, when: 'before' });
    await send(ctx, alice, message(conversationId, 'message-3'));
    clock.now += 60_000;
    const answer = await history(ctx, alice, historyOf(conversationId));
    expect(answer).toMatchObject({ messages: [{ seq: 1 }, { seq: 2, void: true }, { seq: 3 }] });
    expect(await unread(userId, conversationId)).toBe(2);
  });
});

describe('history resolves holes', () => {
  test('a hole that has not settled ends the page before it', async () => {
    const { userId } = await newPeer();
    const conversationId = `d:alice:${userId}`;
    await send(ctx, alice, message(conversationId, 'message-1'));
    await sendAndDie(message(conversationId, 'message-2'), { request: 2, when: 'before' });
    await send(ctx, { ...alice, deviceId: 'pad' }, message(conversationId, 'message-3'));
    expect(await history(ctx, alice, historyOf(conversationId))).toMatchObject({
      messages: [{ seq: 1 }],
      headSeq: 3,
      end: false,
      pending: true,
    });
    clock.now += 3_001;
    expect(await history(ctx, alice, historyOf(conversationId))).toMatchObject({
      messages: [{ seq: 1 }, { seq: 2, void: true }, { seq: 3 }],
      end: true,
    });
  });

  test('a hole at the end, after which nobody sends, is fenced too', async () => {
    const { userId } = await newPeer();
    const conversationId = `d:alice:${userId}`;
    await sendAndDie(message(`user:${userId}`, 'message-1'), { request: 6, when: 'before' });
    clock.now += 3_001;
    expect(await history(ctx, alice, historyOf(conversationId))).toMatchObject({
      messages: [{ seq: 1, void: true }],
      headSeq: 1,
      end: true,
    });
    expect(await unread(userId, conversationId)).toBe(0);
  });

  test('pages lead through the whole conversation in both directions', async () => {
    const { userId } = await newPeer();
    const conversationId = `d:alice:${userId}`;
    for (let n = 1; n <= 25; n++) {
      clock.now += 100;
      await send(ctx, alice, message(`user:${userId}`, `message-${n}`));
    }
    const page = async (fields: Partial<ClientFrame<'history'>>) => {
      const answer = await history(ctx, alice, { ...historyOf(conversationId), limit: 10, ...fields });
      if (!answer.ok) throw new Error('refused');
      return { seqs: answer.messages.map(({ seq }) => seq), end: answer.end };
    };
    const range = (low: number, high: number) =>
      Array.from({ length: high - low + 1 }, (_, index) => low + index);
    expect(await page({})).toEqual({ seqs: range(16, 25), end: false });
    expect(await page({ before: 16 })).toEqual({ seqs: range(6, 15), end: false });
    expect(await page({ before: 6 })).toEqual({ seqs: range(1, 5), end: true });
    expect(await page({ after: 0 })).toEqual({ seqs: range(1, 10), end: false });
    expect(await page({ after: 20 })).toEqual({ seqs: range(21, 25), end: true });
    expect(await page({ after: 25 })).toEqual({ seqs: [], end: true });
  });
});

describe('who may send', () => {
  test('to a user who has never connected: user_not_found, and nothing is stored', async () => {
    const before = (await tables.scan('Conversations')).length;
    expect(await send(ctx, alice, message('user:nobody', 'message-1'))).toMatchObject({
      error: { code: 'user_not_found' },
    });
    expect(await tables.scan('Conversations')).toHaveLength(before);
  });

  test('I8: to somebody else’s conversation, or a group one is not in: not_member', async () => {
    for (const to of ['d:bob:carol', 'g:secret']) {
      expect(await send(ctx, alice, message(to, 'message-1'))).toMatchObject({
        error: { code: 'not_member' },
      });
    }
  });

  test('to oneself: a conversation of one', async () => {
    expect(await send(ctx, alice, message('user:alice', 'message-1'))).toMatchObject({
      conversationId: 'd:alice:alice',
      seq: 1,
    });
    expect(await unread('alice', 'd:alice:alice')).toBe(0);
  });

  test('a body over 16 KB: too_large', async () => {
    const { userId } = await newPeer();
    const answer = await send(ctx, alice, message(`user:${userId}`, 'message-1', 'x'.repeat(16 * 1024)));
    expect(answer).toMatchObject({ error: { code: 'too_large' } });
  });

  test('what one device sends at once is limited, and what it sends steadily; a repeat is not counted', async () => {
    const { userId } = await newPeer();
    const slow = tables.context({ settings: { sendsPerSecond: 10, sendBurst: 4 } });
    clock.now += 60_000;
    for (let n = 1; n <= 4; n++) {
      expect(await send(slow, alice, message(`user:${userId}`, `message-${n}`))).toMatchObject({ seq: n });
    }
    clock.now += 30;
    expect(await send(slow, alice, message(`user:${userId}`, 'message-5'))).toMatchObject({
      error: { code: 'rate_limited', retryable: true, retryAfterMs: 70 },
    });
    expect(await send(slow, alice, message(`user:${userId}`, 'message-4'))).toMatchObject({
      duplicate: true,
    });
    // Her other device has its own measure.
    const laptop = { ...alice, deviceId: 'laptop' };
    expect(await send(slow, laptop, message(`user:${userId}`, 'message-5'))).toMatchObject({ seq: 5 });
    clock.now += 70;
    expect(await send(slow, alice, message(`user:${userId}`, 'message-6'))).toMatchObject({ seq: 6 });
  });

  test('a blocked side is refused, in a conversation that exists', async () => {
    const { userId } = await newPeer();
    const { conversationId } = (await send(ctx, alice, message(`user:${userId}`, 'message-1'))) as {
      conversationId: string;
    };
    const { key, names } = memberPlace(conversationId, 'alice')!;
    await ctx.db.update({
      table: 'Conversations',
      key,
      update: 'SET #blocked = :yes',
      names,
      values: { yes: 1 },
    });
    expect(await send(ctx, alice, message(conversationId, 'message-2'))).toMatchObject({
      error: { code: 'blocked' },
    });
    expect(await send(ctx, { ...alice, userId }, message('user:alice', 'message-3'))).toMatchObject({
      seq: 2,
    });
  });
});

describe('budget', () => {
  test('B3: a send takes two requests', async () => {
    const { userId } = await newPeer();
    await send(ctx, alice, message(`user:${userId}`, 'message-1'));
    clock.now += 1_000;
    const sender = tables.context();
    await send(sender, alice, message(`user:${userId}`, 'message-2'));
    expect(sender.requests()).toBe(2);
  });
});
