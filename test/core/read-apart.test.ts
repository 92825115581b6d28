// Two items of one BatchGet are not read at one moment: what moves in between must not look like what never was.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ack, sync } from '../../src/core/sync.ts';
import { createGroup } from '../../src/core/groups/create-group.ts';
import { encodeEntry } from '../../src/core/entries.ts';
import { appendPointers } from '../../src/core/mailbox.ts';
import { pending } from '../../src/core/pending.ts';
import { positions } from '../../src/core/read-positions.ts';
import { send } from '../../src/core/send.ts';
import { startTables, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
let tables: TestTables;
beforeAll(async () => {
  tables = await startTables(clock);
});
afterAll(() => tables.close());

/** `meanwhile` comes after the first item of the first BatchGet, and before its last one. */
const readingApart = (meanwhile: () => Promise<unknown>) =>
  tables.context({
    lastKeyLater: true,
    beforeRequest: async (request) => {
      if (request === 2) await meanwhile();
    },
  });

for (const action of ['sync', 'pending'] as const) {
  test(`P5.2: a cursor that moves while \`${action}\` looks is not beyond the mailbox`, async () => {
    const ctx = tables.context();
    const bob = await tables.connect(`bob-${action}`);
    const arrive = (seq: number) =>
      appendPointers(ctx, bob.userId, [encodeEntry({ conversationId: '', peer: 'alice', seq })]);
    await arrive(1);
    const reading = readingApart(async () => {
      await arrive(2);
      await ack(ctx, bob, { action: 'ack', cursor: 2 });
    });
    if (action === 'sync') {
      const answer = await sync(reading, bob, { action, id: 's', limit: 50 });
      expect(answer).toMatchObject({ ok: true, head: 1, next: 1, events: [], more: false });
      expect(answer).not.toHaveProperty('reset');
      expect(await sync(ctx, bob, { action, id: 's', limit: 50 })).toMatchObject({
        head: 2,
        next: 2,
        events: [],
      });
    } else {
      const answer = await pending(reading, bob, { action, id: 'p' });
      expect(answer).toMatchObject({ ok: true, head: 1, total: 0, cursor: 1 });
      expect(answer).not.toHaveProperty('reset');
    }
  });
}

test('I6: who writes in a group while `positions` looks has nothing unread, and not less than nothing', async () => {
  const ctx = tables.context();
  const [owner, member] = [await tables.connect('owner'), await tables.connect('member')];
  const created = await createGroup(ctx, owner, {
    action: 'createGroup',
    id: 'c',
    clientGroupId: 'read-apart',
    title: 'Apart',
    members: [member.userId],
  });
  const { conversationId } = created as { conversationId: string };
  const write = (text: string) => {
    clock.now += 1_000;
    return send(ctx, member, {
      action: 'send',
      id: 'r',
      to: conversationId,
      clientMsgId: text,
      type: 'text',
      body: { text },
      silent: false,
      ephemeral: false,
    });
  };
  await write('the first one');
  const last = { seq: 0 };
  const reading = readingApart(async () => {
    last.seq = ((await write('while it looks')) as { seq: number }).seq;
  });
  const answer = await positions(reading, member, {
    action: 'positions',
    id: 'p',
    conversationIds: [conversationId],
  });
  expect(last.seq).toBeGreaterThan(1);
  expect(answer).toMatchObject({
    positions: [{ conversationId, readSeq: last.seq, lastSeq: last.seq, unread: 0 }],
  });
});
