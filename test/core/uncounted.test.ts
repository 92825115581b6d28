import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller } from '../../src/core/context.ts';
import { history } from '../../src/core/history.ts';
import { readMemberships, unreadCount } from '../../src/core/members.ts';
import { send } from '../../src/core/send.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import { Killed, startTables, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
let tables: TestTables;
let alice: Caller;
beforeAll(async () => {
  tables = await startTables(clock);
  alice = await tables.connect('alice');
});
afterAll(() => tables.close());

function message(to: string, clientMsgId: string): ClientFrame<'send'> {
  const body = { text: clientMsgId };
  return { action: 'send', id: 'r', to, clientMsgId, type: 'text', body, silent: false, ephemeral: false };
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
