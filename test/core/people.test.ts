// What becomes of people's changes when the function that makes them dies anywhere, on the real engine.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contact } from '../../src/core/people/contacts.ts';
import { preferences } from '../../src/core/people/preferences.ts';
import type { Caller } from '../../src/core/context.ts';
import { positions } from '../../src/core/read-positions.ts';
import { send } from '../../src/core/send.ts';
import { sync } from '../../src/core/sync.ts';
import { directConversationId } from '../../src/protocol/ids.ts';
import { startTables, type TestContext, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-26T12:00:00Z') };
let tables: TestTables;
let ctx: TestContext;
beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context();
});
afterAll(() => tables.close());

test('P5.31: a change of receipts that dies anywhere is finished by its repeat, in all conversations', async () => {
  let scenes = 0;
  for (let request = 1; ; request++) {
    for (const when of ['before', 'after'] as const) {
      const n = ++scenes;
      const alice = await tables.connect(`alice-${n}`);
      const peers = await Promise.all(['bob', 'carol'].map((name) => tables.connect(`${name}-${n}`)));
      for (const { userId } of peers) await say(alice, userId);
      const dying = tables.context({ death: { request, when } });
      const frame = { action: 'preferences', id: 'p', receipts: false } as const;
      await preferences(dying, alice, frame).catch(() => {});
      expect(await preferences(ctx, alice, frame)).toMatchObject({ ok: true, receipts: false });
      for (const peer of peers) {
        expect(await positionWith(peer, alice), `${when} ${request}`).not.toHaveProperty('peerReadSeq');
      }
      if (dying.requests() < request) return;
    }
  }
});

test('P5.32: a contact that dies anywhere is told once by its repeat, and so is its removal', async () => {
  let users = 0;
  for (const change of [{ alias: 'Bob', remove: false }, { remove: true }]) {
    for (let request = 1, isReached = true; isReached; request++) {
      for (const when of ['before', 'after'] as const) {
        const alice = await tables.connect(`keeper-${++users}`);
        const { userId } = await tables.connect(`kept-${users}`);
        const frame = { action: 'contact', id: 'c', userId, ...change } as const;
        if (change.remove) await contact(ctx, alice, { ...frame, remove: false });
        const dying = tables.context({ death: { request, when } });
        await contact(dying, alice, frame).catch(() => {});
        isReached = dying.requests() >= request;
        expect(await contact(ctx, alice, frame)).toMatchObject({ ok: true });
        const answer = await sync(ctx, alice, { action: 'sync', id: 's', after: 0, limit: 100 });
        const told = 'events' in answer ? answer.events : [];
        expect(told, `${when} ${request}`).toHaveLength(change.remove ? 2 : 1);
        expect('contact' in told[0]!).toBe(!change.remove);
      }
    }
  }
});

const say = (from: Caller, userId: string) =>
  send(ctx, from, {
    action: 'send',
    id: 's',
    to: `user:${userId}`,
    clientMsgId: 'first-message',
    type: 'text',
    body: { text: 'hi' },
    silent: false,
    ephemeral: false,
  });

async function positionWith(asker: Caller, other: Caller) {
  const conversationIds = [directConversationId(asker.userId, other.userId)];
  const answer = await positions(ctx, asker, { action: 'positions', id: 'p', conversationIds });
  return answer.positions[0]!;
}
