// Whoever changes something may die at each of its requests: the same frame again finishes it, and nothing is half done.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edit, recall } from '../../src/core/changes.ts';
import type { Caller, Context } from '../../src/core/context.ts';
import { settings } from '../../src/core/conversation-settings.ts';
import { fanOut } from '../../src/core/fan-out.ts';
import { history } from '../../src/core/history.ts';
import { positions } from '../../src/core/read-positions.ts';
import { send } from '../../src/core/send.ts';
import { sync } from '../../src/core/sync.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { startTables, type Death, type TestContext, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-25T12:00:00Z') };
let tables: TestTables;
let ctx: TestContext;
beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context();
});
afterAll(() => tables.close());

let pairs = 0;
interface Scene {
  readonly from: Caller;
  readonly to: Caller;
  readonly conversationId: string;
}

/** Two messages that were delivered. */
async function newScene(): Promise<Scene> {
  const n = ++pairs;
  const from = await tables.connect(`a-${n}`);
  const to = await tables.connect(`b-${n}`);
  const conversationId = `d:a-${n}:b-${n}`;
  for (const text of ['first', 'second']) {
    await send(ctx, from, {
      action: 'send',
      id: 's',
      to: conversationId,
      clientMsgId: `message-${text}`,
      type: 'text',
      body: { text },
      silent: false,
      ephemeral: false,
    });
  }
  return { from, to, conversationId };
}

const readAll = async ({ from, conversationId }: Scene) => {
  const answer = await history(ctx, from, { action: 'history', id: 'h', conversationId, limit: 100 });
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.messages as Message[];
};

const unread = async ({ to, conversationId }: Scene) => {
  const answer = await positions(ctx, to, {
    action: 'positions',
    id: 'p',
    conversationIds: [conversationId],
  });
  return answer.positions[0]!.unread;
};

const actions = {
  recall: {
    run: (context: Context, { from, conversationId }: Scene) =>
      recall(context, from, { action: 'recall', id: 'r', conversationId, seq: 1 }),
    async check(scene: Scene) {
      const slots = await readAll(scene);
      expect(slots).toMatchObject([
        { recalled: true, body: {} },
        { body: { text: 'second' } },
        { type: 'control', body: { op: 'recall', seq: 1 } },
      ]);
      expect(await unread(scene)).toBe(1);
    },
  },
  edit: {
    run: (context: Context, { from, conversationId }: Scene) =>
      edit(context, from, {
        action: 'edit',
        id: 'e',
        conversationId,
        seq: 1,
        clientMsgId: 'edit-of-first',
        body: { text: '1st' },
      }),
    async check(scene: Scene) {
      expect(await readAll(scene)).toMatchObject([
        { recalled: false, body: { text: '1st' } },
        { body: { text: 'second' } },
        { type: 'control', body: { op: 'edit', seq: 1 } },
      ]);
      expect(await unread(scene)).toBe(2);
    },
  },
  settings: {
    run: (context: Context, { to, conversationId }: Scene) =>
      settings(context, to, {
        action: 'settings',
        id: 's',
        conversationId,
        pinned: true,
        clearedSeq: 1,
        draft: 'dear',
      }),
    async check(scene: Scene) {
      const { to, conversationId } = scene;
      const now = { pinned: true, muted: false, hidden: false, clearedSeq: 1, draft: 'dear' };
      expect(await actions.settings.run(ctx, scene)).toEqual({ ok: true, ...now });
      expect(await unread(scene)).toBe(1);
      const synced = await sync(ctx, to, { action: 'sync', id: 's', after: 0, limit: 200 });
      if (!('events' in synced)) throw new Error('reset');
      const event = { kind: 'conversation', conversationId, change: 'settings', settings: now };
      expect(synced.events.at(-1)).toMatchObject(event);
    },
  },
} as const;

describe.each(Object.keys(actions) as (keyof typeof actions)[])('%s', (name) => {
  const action = actions[name];
  test.each(['before', 'after'] as const)('dies %s each of its requests', async (when) => {
    for (let request = 1; ; request++) {
      const scene = await newScene();
      const death: Death = { request, when };
      const context = tables.context({ death });
      const died = await action.run(context, scene).then(
        () => false,
        () => true,
      );
      const first = await action.run(ctx, scene);
      expect(first).toMatchObject({ ok: true });
      expect(await action.run(ctx, scene)).toEqual(first);
      await action.check(scene);
      if (!died) return expect(request).toBeGreaterThan(3);
    }
  });
});

test('I6: uncounted slots stay few in the head, and unread exact, however many messages are recalled', async () => {
  const scene = await newScene();
  const { from, conversationId } = scene;
  const texts = Array.from({ length: 150 }, (_, n) => `text number ${n}`);
  for (const text of texts) {
    clock.now += 50;
    await send(ctx, from, {
      action: 'send',
      id: 's',
      to: conversationId,
      clientMsgId: `message-${text.replaceAll(' ', '-')}`,
      type: 'text',
      body: { text },
      silent: false,
      ephemeral: false,
    });
  }
  for (let seq = 1; seq <= 140; seq++) {
    expect(await recall(ctx, from, { action: 'recall', id: 'r', conversationId, seq })).toMatchObject({
      ok: true,
    });
  }
  const items = await tables.scan('Conversations');
  const head = items.find((item) => item['conversationId'] === conversationId && item['item'] === 'HEAD')!;
  expect((head['uncounted'] as Set<number>).size).toBeLessThanOrEqual(66);
  expect(await unread(scene)).toBe(12);
});

test('I7: a batch of the stream that comes late says what a message is by then', async () => {
  const { from, to, conversationId } = await newScene();
  const [, second] = (await tables.scan('Messages')).filter(
    (item) => item['conversationId'] === conversationId,
  );
  const message = {
    ...second,
    body: JSON.parse(second!['body'] as string),
    recalled: false,
    edited: null,
  } as Message;
  await recall(ctx, from, { action: 'recall', id: 'r', conversationId, seq: message.seq });
  const context = tables.context();
  await fanOut(context, [message]);
  const heard = context.pushed.filter(({ connectionId }) => connectionId === to.connectionId);
  expect(heard).toMatchObject([
    { frame: { events: [{ message: { seq: message.seq, recalled: true, body: {} } }] } },
  ]);
});
