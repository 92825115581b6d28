import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller, Context } from '../../src/core/context.ts';
import { history } from '../../src/core/history.ts';
import { readMemberships, unreadCount } from '../../src/core/members.ts';
import { send } from '../../src/core/send.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import type { Slot } from '../../src/protocol/messages.ts';
import { Killed, startTables, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
let tables: TestTables;
let alice: Caller;
beforeAll(async () => {
  tables = await startTables(clock);
  alice = await tables.connect('alice');
});
afterAll(() => tables.close());

function message(to: string, clientMsgId: string, silent = false): ClientFrame<'send'> {
  const body = { text: clientMsgId };
  return { action: 'send', id: 'r', to, clientMsgId, type: 'text', body, silent, ephemeral: false };
}

test('I6: voids by the hundred are kept out of the head, and unread stays exact for whoever is behind', async () => {
  const bob = await tables.connect('bob');
  const ctx = tables.context();
  const conversationId = 'd:alice:bob';
  await send(ctx, alice, message(conversationId, 'message-0'));
  const readFrom = async (seq: number) => {
    const membership = (await readMemberships(ctx, [conversationId], 'bob')).get(conversationId)!;
    const member = { ...membership.member, readSeq: seq, readCounted: seq };
    return unreadCount(ctx, conversationId, { ...membership, member });
  };
  let messages = 1;
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 50; n++) {
      clock.now += 1_000;
      const dying = tables.context({ death: { request: 2, when: 'before' } });
      await expect(send(dying, alice, message(conversationId, `lost-${round}-${n}-x`))).rejects.toThrow(
        Killed,
      );
    }
    clock.now += 1_000;
    await send(ctx, alice, message(conversationId, `message-${++messages}`));
    clock.now += 60_000;
    for (let after = round * 51; after < messages + 50 * (round + 1); after += 60) {
      await history(ctx, bob, { action: 'history', id: 'h', conversationId, after, limit: 60 });
    }
    // Counted are 51 numbers a round and the first; one of them a round is a message.
    expect(await readFrom(0)).toBe(messages);
    expect(await readFrom(1)).toBe(messages - 1);
    expect(await readFrom(52)).toBe(messages - 2);
  }
  const items = (await tables.scan('Conversations')).filter(
    (item) => item['conversationId'] === conversationId,
  );
  const head = items.find(({ item }) => item === 'HEAD')!;
  expect((head['uncounted'] as Set<number>).size).toBeLessThanOrEqual(64 + 60);
  expect(items.length).toBeGreaterThan(2);
});

for (const lost of ['silent', 'counted'] as const) {
  test(`I6: unread is exact whenever a slow sender gets its slot among those of lost ${lost} ones`, async () => {
    const reader = await tables.connect(`reader-${lost}`);
    const ctx = tables.context();
    const conversationId = `d:alice:${reader.userId}`;
    const sendBy = (context: Context, id: string, silent: boolean) => {
      // Not so soon after another send that its number takes two tries.
      clock.now += 1_000;
      return send(context, alice, message(conversationId, id, silent));
    };
    const lose = async (id: string) => {
      const dying = tables.context({ death: { request: 2, when: 'before' } });
      await expect(sendBy(dying, id, lost === 'silent')).rejects.toThrow(Killed);
    };
    await sendBy(ctx, 'message-0', false);
    let counted = 1;
    for (let request = 1, wasLast = false; !wasLast; request++) {
      const held = new EventEmitter();
      const hasNumber = once(held, 'numbered');
      const slow = tables.context({
        beforeRequest: async (nth) => {
          if (nth !== 2) return;
          held.emit('numbered');
          await once(held, 'go on');
        },
      });
      await lose(`lost-before-${request}`);
      const sent = sendBy(slow, `slow-${request}-x`, lost === 'counted');
      await hasNumber;
      await lose(`lost-after-${request}`);
      clock.now += 60_000;
      const goOn = async () => {
        held.emit('go on');
        await sent;
      };
      const reading = tables.context({
        beforeRequest: async (nth) => (nth === request ? goOn() : undefined),
      });
      const page = { action: 'history', id: 'h', conversationId, after: 1, limit: 100 } as const;
      await history(reading, reader, page);
      wasLast = reading.requests() < request;
      await goOn();
      clock.now += 60_000;
      const read = await history(ctx, reader, page);
      expect(read).toMatchObject({ end: true });
      const voids = (read as { messages: Slot[] }).messages.filter((slot) => 'void' in slot);
      expect(voids.length).toBeGreaterThanOrEqual(2 * request);
      if (lost === 'silent') counted++;
      const membership = (await readMemberships(ctx, [conversationId], reader.userId)).get(conversationId)!;
      const unread = await unreadCount(ctx, conversationId, membership);
      expect(unread, `the slow one goes on before request ${request}`).toBe(counted);
    }
  });
}
