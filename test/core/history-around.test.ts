// P5.3a: any part of a conversation, found by its time.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller } from '../../src/core/context.ts';
import { history } from '../../src/core/history.ts';
import { send } from '../../src/core/send.ts';
import type { Slot } from '../../src/protocol/messages.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import { startTables, type TestContext, type TestTables } from '../support/tables.ts';

const start = Date.parse('2026-11-25T12:00:00Z');
const MINUTE = 60_000;
const clock = { now: start };
let tables: TestTables;
let ctx: TestContext;
let alice: Caller;
const conversationId = 'd:alice:bob';
/** When each message was sent: many at once now and then. */
const times: number[] = [];

beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context();
  alice = await tables.connect('alice');
  await tables.connect('bob');
  for (let n = 1; n <= 60; n++) {
    clock.now += n % 10 === 0 ? 0 : n * MINUTE;
    times.push(clock.now);
    const body = { text: `${n}` };
    const message = {
      action: 'send',
      id: 's',
      to: conversationId,
      clientMsgId: `message-${n}`,
      body,
    } as const;
    await send(ctx, alice, { ...message, type: 'text', silent: false, ephemeral: false });
  }
});
afterAll(() => tables.close());

async function around(time: number, limit: number) {
  const answer = await history(ctx, alice, {
    action: 'history',
    id: 'h',
    conversationId,
    around: time,
    limit,
  });
  if (!answer.ok) throw new Error(answer.error.message);
  return answer;
}
const timeOf = (slot: Slot) => (isVoid(slot) ? 0 : slot.serverTime);

test('half the page is before that time, half from it on, as far as there are messages', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: start - MINUTE, max: start + 61 * 30 * MINUTE }),
      fc.integer({ min: 1, max: 100 }),
      async (time, limit) => {
        const { messages, end } = await around(time, limit);
        const first = times.filter((at) => at < time).length + 1;
        const low = Math.max(1, first - Math.floor(limit / 2));
        const high = Math.min(60, first + Math.ceil(limit / 2) - 1);
        const seqs = Array.from({ length: Math.max(0, high - low + 1) }, (_, index) => low + index);
        expect(messages.map(({ seq }) => seq)).toEqual(seqs);
        expect(end).toBe(low === 1 && high === 60);
        for (const slot of messages) expect(timeOf(slot) < time).toBe(slot.seq < first);
      },
    ),
    { numRuns: 60 },
  );
});

test('looks at single items, not at what lies between', async () => {
  const context = tables.context();
  await history(context, alice, {
    action: 'history',
    id: 'h',
    conversationId,
    around: times[30]!,
    limit: 10,
  });
  // The head; six halvings of sixty; two stretches.
  expect(context.requests()).toBeLessThanOrEqual(10);
});

test('large messages on both sides: the page is cut at its ends', async () => {
  const text = 'x'.repeat(15_000);
  await tables.connect('carol');
  for (let n = 1; n <= 40; n++) {
    clock.now += MINUTE;
    const message = { action: 'send', id: 's', to: 'user:carol', clientMsgId: `large-${n}-of-40` } as const;
    await send(ctx, alice, { ...message, type: 'text', body: { text }, silent: false, ephemeral: false });
  }
  const time = clock.now - 19 * MINUTE;
  const answer = await history(ctx, alice, {
    action: 'history',
    id: 'h',
    conversationId: 'd:alice:carol',
    around: time,
    limit: 40,
  });
  if (!answer.ok) throw new Error('refused');
  const seqs = answer.messages.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
  expect(seqs).toContain(20);
  expect(seqs).toContain(21);
  expect(answer.end).toBe(false);
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(120 * 1024);
});

test('an unsettled hole ends the page before it', async () => {
  const found = await around(times.at(-1)! + MINUTE, 10);
  expect(found.messages.map(({ seq }) => seq)).toEqual([56, 57, 58, 59, 60]);
  // Somebody has taken a number, and not used it yet.
  await ctx.db.update({
    table: 'Conversations',
    key: { conversationId, item: 'HEAD' },
    update: 'SET #seq = #seq + :one, #counted = #counted + :one, #at = :now',
    values: { one: 1, now: clock.now },
  });
  const open = await around(clock.now + MINUTE, 10);
  expect(open).toMatchObject({ pending: true, end: false, headSeq: 61 });
  expect(open.messages.at(-1)).toMatchObject({ seq: 60 });
});
