// What a device that is away is told, as its mailbox, its positions and its settings stand when it is looked at.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recall } from '../../src/core/changes.ts';
import type { Caller } from '../../src/core/context.ts';
import { forgetConnection } from '../../src/core/connections.ts';
import { settings } from '../../src/core/conversation-settings.ts';
import { acknowledge } from '../../src/core/cursors.ts';
import { fanOut } from '../../src/core/fan-out.ts';
import { createGroup } from '../../src/core/groups/create-group.ts';
import { removeMembers } from '../../src/core/groups/leaving.ts';
import type { Note } from '../../src/core/notifications/note.ts';
import type { Notification, NotificationReport } from '../../src/core/notifications/notification.ts';
import { notify, type NotifierContext } from '../../src/core/notifications/notify.ts';
import { noteOf } from '../../src/core/offline-queue.ts';
import { registerForPush } from '../../src/core/push-devices.ts';
import { read } from '../../src/core/read-positions.ts';
import { send } from '../../src/core/send.ts';
import { headKey } from '../../src/core/tables.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import { contact } from '../../src/core/people/contacts.ts';
import { preferences } from '../../src/core/people/preferences.ts';
import { profile } from '../../src/core/people/profiles.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { registration } from '../support/direct-messages.ts';
import {
  Killed,
  startTables,
  type ContextOptions,
  type TestContext,
  type TestTables,
} from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-26T12:00:00Z') };
let tables: TestTables;
let ctx: TestContext;
beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context();
});
afterAll(() => tables.close());

type Outcome = 'sent' | 'gone' | Error;

/** A notifier whose push service does as told; in the end it takes everything. */
function notifier(outcomes: Outcome[] = [], options: ContextOptions = {}) {
  const sent: Notification[] = [];
  const reports: NotificationReport[] = [];
  const context: NotifierContext & TestContext = {
    ...tables.context(options),
    providers: new Map([
      [
        'fcm',
        {
          async send(notification) {
            const outcome = outcomes.shift() ?? 'sent';
            if (outcome instanceof Error) throw outcome;
            if (outcome === 'sent') sent.push(notification);
            return outcome;
          },
        },
      ],
    ]),
    report: async (those) => void reports.push(...those),
  };
  return { context, sent, reports };
}

type Said = Partial<Pick<ClientFrame<'send'>, 'type' | 'silent' | 'replyTo' | 'mentions'>> & {
  readonly body?: object;
};

let scenes = 0;
interface Scene {
  readonly alice: Caller;
  readonly bob: Caller;
  readonly conversationId: string;
  readonly write: (texts: readonly string[], more?: Said) => Promise<void>;
}

/** Bob's telephone is registered, and away. */
async function newScene(): Promise<Scene> {
  const n = ++scenes;
  const alice = await tables.connect(`alice-${n}`);
  const bob = await tables.connect(`bob-${n}`);
  await registerForPush(ctx, bob, registration(bob));
  await leave(bob);
  const conversationId = `d:alice-${n}:bob-${n}`;
  return { alice, bob, conversationId, write: (texts, more) => write(alice, conversationId, texts, more) };
}

async function leave(caller: Caller): Promise<void> {
  await forgetConnection(ctx, caller);
}

let messages = 0;
/** One batch of the stream. */
async function write(
  from: Caller,
  conversationId: string,
  texts: readonly string[],
  more: Said = {},
  context = ctx,
): Promise<void> {
  expect(await fanOut(context, await store(from, conversationId, texts, more))).toMatchObject({
    failures: [],
  });
}

async function store(
  from: Caller,
  conversationId: string,
  texts: readonly string[],
  more: Said = {},
): Promise<Message[]> {
  const batch: Message[] = [];
  for (const text of texts) {
    const frame = {
      action: 'send',
      id: 's',
      to: conversationId,
      clientMsgId: `message-${++messages}`,
      type: 'text',
      body: { text },
      silent: false,
      ephemeral: false,
      ...more,
    } as ClientFrame<'send'>;
    const answer = await send(ctx, from, frame);
    if (!answer.ok || answer.seq === undefined) throw new Error('not sent');
    const { seq, serverTime } = answer;
    batch.push({
      conversationId,
      seq,
      clientMsgId: frame.clientMsgId,
      serverTime,
      from: from.userId,
      deviceId: from.deviceId,
      type: frame.type,
      body: frame.body,
      recalled: false,
      edited: null,
      silent: frame.silent,
    });
  }
  return batch;
}

const entryOf = async ({ userId }: Caller) =>
  (await tables.scan('OfflineQueue')).find((item) => item['userId'] === userId);

/** What the table's stream would have the notifier look at. */
async function awayNote(caller: Caller): Promise<Note> {
  const entry = await entryOf(caller);
  if (entry?.['fresh'] !== 1) throw new Error('Nothing wakes the notifier');
  return noteOf(entry);
}

const readUpTo = (caller: Caller, conversationId: string, seq: number) =>
  read(ctx, caller, { action: 'read', id: 'r', conversationId, seq });

describe('P8.1: a registered device that is away', () => {
  test('P5.31: of a user who wants no previews is not told what a message says', async () => {
    const { bob, write: writeAsAlice } = await newScene();
    await preferences(ctx, bob, { action: 'preferences', id: 'p', previews: false });
    await writeAsAlice(['between us']);
    const { context, sent, reports } = notifier();
    await notify(context, await awayNote(bob));
    expect(sent).toMatchObject([{ preview: null, count: 1 }]);
    expect(JSON.stringify([sent, reports])).not.toContain('between us');
  });

  test('is told once of each conversation: how much waits there, the newest of it, and all that is unread', async () => {
    const { alice, bob, conversationId, write: writeAsAlice } = await newScene();
    const carol = await tables.connect(`carol-${scenes}`);
    await writeAsAlice(['one', 'two', 'three']);
    await write(carol, `d:${bob.userId}:${carol.userId}`, ['hello']);
    const { context, sent, reports } = notifier();
    expect(await entryOf(bob)).toMatchObject({ count: 4, fresh: 2, lastSyncSeq: 4 });
    // As the stream gave it: of the first of the two batches.
    const note: Note = { kind: 'away', userId: bob.userId, deviceId: bob.deviceId, syncSeq: 3 };
    await notify(context, note);
    const device = { userId: bob.userId, deviceId: 'phone', platform: 'ios' };
    const told = [
      {
        ...device,
        conversationId: `d:${bob.userId}:${carol.userId}`,
        seq: 1,
        from: carol.userId,
        title: carol.userId,
        preview: 'hello',
        count: 1,
        badge: 4,
      },
      { ...device, conversationId, seq: 3, from: alice.userId, preview: 'three', count: 3, badge: 4 },
    ];
    expect(sent).toHaveLength(2);
    expect(sent).toEqual(expect.arrayContaining(told.map((one) => expect.objectContaining(one))));
    expect(sent.every(({ pushToken }) => pushToken.startsWith('token of'))).toBe(true);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['sent', 'sent']);
    expect(JSON.stringify(reports)).not.toContain('token of');

    // The same note again: it has been told.
    await notify(context, note);
    expect(sent).toHaveLength(2);
  });

  test('P8.4: is told once more when there is more, with the new count, in the place of the one before', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['one']);
    const { context, sent } = notifier();
    await notify(context, await awayNote(bob));
    await writeToBob(['two', 'three']);
    await notify(context, await awayNote(bob));
    expect(sent).toMatchObject([
      { seq: 1, count: 1, badge: 1 },
      { seq: 3, count: 3, badge: 3 },
    ]);
    expect(new Set(sent.map(({ collapseId }) => collapseId)).size).toBe(1);
    expect(new Set(sent.map(({ notificationId }) => notificationId)).size).toBe(2);
  });

  test('what came while it was being told is looked at anew', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['one']);
    const note = await awayNote(bob);
    const { context, sent } = notifier();
    const provider = context.providers.get('fcm')!;
    const busy: NotifierContext = {
      ...context,
      providers: new Map([
        [
          'fcm',
          {
            async send(notification) {
              await writeToBob(['two']);
              return provider.send(notification);
            },
          },
        ],
      ]),
    };
    await notify(busy, note);
    expect(await entryOf(bob)).toMatchObject({ fresh: 2, toldSyncSeq: 1, lastSyncSeq: 2 });
    // The stream stays silent about a second one: a note takes its place.
    expect(context.noted).toMatchObject([{ kind: 'away', userId: bob.userId }]);
    await notify(context, context.noted[0]!);
    expect(sent.map(({ seq, count }) => [seq, count])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    await writeToBob(['three']);
    await awayNote(bob);
  });

  test('B17: costs one write unit for a batch, however much is in it', async () => {
    const { alice, conversationId } = await newScene();
    const context = tables.context();
    const texts = Array.from({ length: 10 }, (_, n) => `${n}`);
    await fanOut(context, await store(alice, conversationId, texts));
    // Two mailboxes, and the entry.
    expect(context.requests()).toBe(3);
  });

  test('counts what waits, not what it had and has not read', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['one', 'two']);
    await acknowledge(ctx, bob, 2);
    await writeToBob(['three']);
    const { context, sent } = notifier();
    await notify(context, await awayNote(bob));
    expect(sent).toMatchObject([{ seq: 3, count: 1, badge: 3 }]);
  });

  test('says of messages that are no text what they are', async () => {
    const { bob, write: writeToBob } = await newScene();
    const { context, sent } = notifier();
    const attachment = { url: 'https://example.com/f', name: 'plan.pdf' };
    for (const [type, body] of [
      ['image', attachment],
      ['file', attachment],
      ['custom', { order: 7 }],
      ['custom', { text: 'Your order has left' }],
      ['text', { text: '👩‍👩‍👧‍👦'.repeat(201) }],
    ] as const) {
      await writeToBob([''], { type, body });
      await notify(context, await awayNote(bob));
    }
    expect(sent.map(({ preview }) => preview)).toEqual([
      'Photo',
      'File: plan.pdf',
      'Message',
      'Your order has left',
      // As many families as there is room for, and no half of one.
      expect.stringMatching(/^(👩‍👩‍👧‍👦){80,200}…$/u),
    ]);
  });

  test('a group goes by its title', async () => {
    const { alice, bob } = await newScene();
    const created = await createGroup(ctx, alice, {
      action: 'createGroup',
      id: 'c',
      clientGroupId: 'the-team',
      title: 'The team',
      members: [bob.userId],
    });
    if (!created.ok) throw new Error('no group');
    await write(alice, created.conversationId, ['hi all']);
    const { context, sent, reports } = notifier();
    await notify(context, await awayNote(bob));
    expect(sent).toMatchObject([{ title: 'The team', from: alice.userId, preview: 'hi all', count: 1 }]);

    await write(alice, created.conversationId, ['bye']);
    await removeMembers(ctx, alice, {
      action: 'removeMembers',
      id: 'r',
      conversationId: created.conversationId,
      users: [bob.userId],
    });
    await notify(context, await awayNote(bob));
    expect(sent).toHaveLength(1);
    expect(reports.at(-1)).toMatchObject({ outcome: 'dropped', reason: 'left', preview: null });
  });
});

describe('P8.3: nobody is told', () => {
  const cases: Record<string, (scene: Scene) => Promise<unknown>> = {
    read: ({ bob, conversationId }) => readUpTo(bob, conversationId, 2),
    recalled: async ({ alice, conversationId }) => {
      for (const seq of [1, 2]) await recall(ctx, alice, { action: 'recall', id: 'r', conversationId, seq });
    },
    muted: ({ bob, conversationId }) =>
      settings(ctx, bob, { action: 'settings', id: 's', conversationId, muted: true }),
    cleared: ({ conversationId }) =>
      ctx.db.update({
        table: 'Conversations',
        key: headKey(conversationId),
        update: 'SET #bFloor = :three',
        values: { three: 3 },
      }),
    blocked: ({ conversationId }) =>
      ctx.db.update({
        table: 'Conversations',
        key: headKey(conversationId),
        update: 'SET #aBlocked = :yes',
        values: { yes: 1 },
      }),
    acknowledged: ({ bob }) => acknowledge(ctx, bob, 2),
    unregistered: ({ bob }) => registerForPush(ctx, bob, { ...registration(bob), remove: true }),
  };
  test.each(Object.keys(cases))('of what is %s by then', async (reason) => {
    const scene = await newScene();
    await scene.write(['one', 'two']);
    const note = await awayNote(scene.bob);
    await cases[reason]!(scene);
    const { context, sent, reports } = notifier();
    await notify(context, note);
    expect(sent).toEqual([]);
    // Whoever takes a device back, or has acknowledged all of it, has no entry any more.
    const expected = ['acknowledged', 'unregistered'].includes(reason) ? [] : [reason];
    expect(reports.map((report) => report.reason)).toEqual(expected);
  });

  test('of silent messages, and they wake nobody', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['psst'], { silent: true });
    expect(await entryOf(bob)).toBeUndefined();
    await writeToBob(['hi']);
    await writeToBob(['psst'], { silent: true });
    const { context, sent } = notifier();
    await notify(context, await awayNote(bob));
    expect(sent).toMatchObject([{ seq: 2, count: 1, preview: 'hi', badge: 1 }]);
  });

  test('of what the device acknowledged over a connection that nothing was pushed to', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['one']);
    const note = await awayNote(bob);
    // It had caught up before, so that nobody looks for its entry.
    await acknowledge(ctx, bob, 1);
    await writeToBob(['two']);
    await acknowledge(ctx, bob, 2);
    expect(await entryOf(bob)).toMatchObject({ lastSyncSeq: 2 });
    const { context, sent, reports } = notifier();
    await notify(context, note);
    expect(sent).toEqual([]);
    expect(reports).toMatchObject([{ outcome: 'dropped', reason: 'acknowledged', seq: 2 }]);
    expect(await entryOf(bob)).toBeUndefined();
  });
});

describe('P8.6: of a muted conversation', () => {
  const mute = async ({ bob, conversationId }: Scene) => {
    const muted = { action: 'settings', id: 's', conversationId, muted: true } as const;
    expect(await settings(ctx, bob, muted)).toMatchObject({ ok: true });
  };
  const wanted = (bob: Caller, mentions: boolean) =>
    preferences(ctx, bob, { action: 'preferences', id: 'p', mentions });

  test('who is mentioned is told, of that message', async () => {
    const scene = await newScene();
    await scene.write(['one']);
    await mute(scene);
    const note = await awayNote(scene.bob);
    await scene.write(['for you'], { mentions: ['nobody', scene.bob.userId] });
    await scene.write(['three'], { mentions: ['nobody'] });
    const { context, sent } = notifier();
    await notify(context, note);
    expect(sent).toMatchObject([{ seq: 2, preview: 'for you', count: 3, badge: 0 }]);

    await scene.write(['everybody'], { mentions: 'all' });
    await notify(context, await awayNote(scene.bob));
    expect(sent.slice(1)).toMatchObject([{ seq: 4, preview: 'everybody', count: 4 }]);
  });

  test('whose message is answered is told; who answers their own tells nobody', async () => {
    const scene = await newScene();
    const { alice, bob, conversationId } = scene;
    await scene.write(['one']);
    const note = await awayNote(bob);
    await write(bob, conversationId, ['two']);
    await mute(scene);
    await scene.write(['to myself'], { replyTo: 1 });
    const { context, sent, reports } = notifier();
    await notify(context, note);
    expect(sent).toEqual([]);
    expect(reports.map(({ reason }) => reason)).toEqual(['muted']);
    await scene.write(['to you'], { replyTo: 2 });
    await notify(context, await awayNote(bob));
    expect(sent).toMatchObject([{ seq: 4, from: alice.userId, preview: 'to you', count: 2 }]);
  });

  test('nobody is told who does not want to be; and what is recalled mentions nobody', async () => {
    const scene = await newScene();
    const { alice, bob, conversationId } = scene;
    await scene.write(['hi']);
    await mute(scene);
    const note = await awayNote(bob);
    const before = { ok: true, presence: true, receipts: true, previews: true };
    expect(await wanted(bob, false)).toEqual({ ...before, mentions: false });
    await scene.write(['for you'], { mentions: [bob.userId] });
    const { context, sent, reports } = notifier();
    await notify(context, note);
    expect(await wanted(bob, true)).toEqual(before);
    await scene.write(['again'], { mentions: [bob.userId] });
    await recall(ctx, alice, { action: 'recall', id: 'r', conversationId, seq: 3 });
    await notify(context, await awayNote(bob));
    expect(sent).toEqual([]);
    expect(reports.map(({ reason }) => reason)).toEqual(['muted', 'recalled']);
  });
});

describe('P8.7: the sender is called', () => {
  test('as the user keeps them, else as they call themselves, else by their userId', async () => {
    const { alice, bob, write: writeToBob } = await newScene();
    const { context, sent } = notifier();
    const told = async () => {
      await writeToBob(['hi']);
      await notify(context, await awayNote(bob));
      const { title, fromName } = sent.at(-1)!;
      return { title, fromName };
    };
    expect(await told()).toEqual({ title: alice.userId, fromName: undefined });
    await profile(ctx, alice, { action: 'profile', id: 'p', name: 'Alice' });
    expect(await told()).toEqual({ title: 'Alice', fromName: 'Alice' });
    const kept = { action: 'contact', id: 'c', userId: alice.userId, alias: 'Ally', remove: false } as const;
    await contact(ctx, bob, kept);
    expect(await told()).toEqual({ title: 'Ally', fromName: 'Ally' });
  });
});

describe('P8.2: a registered device that looks connected', () => {
  /** It is there, or so it seems. */
  async function connected(): Promise<Scene> {
    const scene = await newScene();
    const { userId } = scene.bob;
    return { ...scene, bob: await tables.connect(userId, 'phone') };
  }

  test('is watched, once at a time, and costs no write', async () => {
    const { alice, conversationId } = await connected();
    const context = tables.context();
    await write(alice, conversationId, ['one'], {}, context);
    await write(alice, conversationId, ['two'], {}, context);
    expect(context.noted).toHaveLength(1);
    clock.now += context.settings.ackTimeoutMs;
    await write(alice, conversationId, ['three'], {}, context);
    expect(context.noted.map(({ kind, syncSeq }) => [kind, syncSeq])).toEqual([
      ['watch', 1],
      ['watch', 3],
    ]);
    expect(await tables.scan('OfflineQueue')).not.toContainEqual(
      expect.objectContaining({ lastConversationId: conversationId }),
    );
  });

  test('is told when it has acknowledged nothing by then, and has an entry until it is heard of', async () => {
    const { alice, bob, conversationId } = await connected();
    const context = tables.context();
    await write(alice, conversationId, ['one', 'two'], {}, context);
    const { context: notifying, sent } = notifier();
    await notify(notifying, context.noted[0]!);
    expect(sent).toMatchObject([{ seq: 2, count: 2 }]);
    expect(await entryOf(bob)).toMatchObject({ count: 2, toldSyncSeq: 2 });
    await notify(notifying, context.noted[0]!);
    expect(sent).toHaveLength(1);
    await acknowledge(ctx, bob, 2);
    expect(await entryOf(bob)).toBeUndefined();
  });

  test('that has acknowledged it is left alone; for what came after, it has its time', async () => {
    const { alice, bob, conversationId } = await connected();
    const context = tables.context();
    await write(alice, conversationId, ['one'], {}, context);
    await acknowledge(ctx, bob, 1);
    const quiet = notifier();
    await notify(quiet.context, context.noted[0]!);
    expect(quiet.context.noted).toEqual([]);

    await write(alice, conversationId, ['two'], {}, context);
    await notify(quiet.context, context.noted[0]!);
    expect(quiet.context.noted).toMatchObject([{ kind: 'watch', syncSeq: 2 }]);
    expect([quiet.sent, quiet.reports]).toEqual([[], []]);
    await notify(quiet.context, quiet.context.noted[0]!);
    expect(quiet.sent).toMatchObject([{ seq: 2, count: 1 }]);
  });

  test('and whose connection is gone counts as away at once', async () => {
    const { alice, bob, conversationId } = await connected();
    const context = tables.context({ push: async () => 'gone' });
    await write(alice, conversationId, ['one'], {}, context);
    expect(await entryOf(bob)).toMatchObject({ count: 1, fresh: 1 });
  });

  test('because it has come back has time to pull what waits', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['one']);
    const note = await awayNote(bob);
    clock.now += 1_000;
    await tables.connect(bob.userId, 'phone');
    const { context, sent } = notifier();
    await notify(context, note);
    expect(sent).toEqual([]);
    expect(context.noted).toMatchObject([{ kind: 'watch', syncSeq: 1 }]);
    await notify(context, context.noted[0]!);
    expect(sent).toMatchObject([{ seq: 1 }]);
  });

  describe('and whose acknowledgement left its entry there', () => {
    /** It was away, is back, has taken what waited, and goes. */
    async function gone(scene: Scene, whileBack: () => Promise<void>): Promise<void> {
      clock.now += 1_000;
      const bob = await tables.connect(scene.bob.userId, 'phone');
      await whileBack();
      const dying = tables.context({ death: { request: 3, when: 'before' } });
      await expect(acknowledge(dying, bob, 1)).rejects.toThrow(Killed);
      await leave(bob);
    }

    test('is woken for what comes after', async () => {
      const scene = await newScene();
      await scene.write(['one']);
      const { context, sent } = notifier();
      await gone(scene, async () => notify(context, await awayNote(scene.bob)));
      await notify(context, context.noted[0]!);
      expect(sent).toEqual([]);
      await scene.write(['two']);
      await notify(context, await awayNote(scene.bob));
      expect(sent).toMatchObject([{ seq: 2, count: 1 }]);
    });

    test('is told of what comes at the very moment that the entry is to go', async () => {
      const scene = await newScene();
      await scene.write(['one']);
      const note = await awayNote(scene.bob);
      await gone(scene, async () => {});
      const beforeRequest = async (request: number) => (request === 2 ? scene.write(['two']) : undefined);
      const { context } = notifier([], { beforeRequest });
      await notify(context, note);
      expect(context.noted).toMatchObject([{ kind: 'away' }]);
      const { context: later, sent } = notifier();
      await notify(later, context.noted[0]!);
      expect(sent).toMatchObject([{ seq: 2, count: 1 }]);
    });
  });
});

describe('P8.5: when a push service', () => {
  test('does not take it, the note is tried again, and what is new wakes the notifier by itself', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['one']);
    const note = await awayNote(bob);
    const { context, sent, reports } = notifier([new Error('busy')]);
    await expect(notify(context, note)).rejects.toThrow('A notification was not taken');
    expect(reports).toMatchObject([{ outcome: 'failed', reason: 'busy' }]);
    await writeToBob(['two']);
    await notify(context, await awayNote(bob));
    await notify(context, note);
    expect(sent).toMatchObject([{ seq: 2, count: 2 }]);
  });

  test('takes one of two, the other is tried again, and the first repeated with the same id', async () => {
    const { bob, write: writeToBob } = await newScene();
    const carol = await tables.connect(`carol-${scenes}`);
    await writeToBob(['one']);
    const note = await awayNote(bob);
    await write(carol, `d:${bob.userId}:${carol.userId}`, ['hello']);
    const { context, sent } = notifier(['sent', new Error('busy')]);
    await expect(notify(context, note)).rejects.toThrow('A notification was not taken');
    await notify(context, note);
    expect(sent).toHaveLength(3);
    const repeated = sent.filter(({ notificationId }) => notificationId === sent[0]!.notificationId);
    expect(repeated).toEqual([sent[0], sent[0]]);
  });

  test('knows the token no more, the device is registered no more', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['one']);
    const { context, reports } = notifier(['gone']);
    await notify(context, await awayNote(bob));
    expect(reports).toMatchObject([{ outcome: 'dropped', reason: 'gone' }]);
    expect(await entryOf(bob)).toBeUndefined();
    await writeToBob(['two']);
    expect(await entryOf(bob)).toBeUndefined();
  });

  test('is none, it is said', async () => {
    const { bob, write: writeToBob } = await newScene();
    await writeToBob(['one']);
    const { context, reports } = notifier();
    await notify({ ...context, providers: new Map() }, await awayNote(bob));
    expect(reports).toMatchObject([{ outcome: 'dropped', reason: 'no_provider' }]);
  });
});

test('P8.4: a notifier that dies anywhere tells the same again, or nothing; never something else under that id', async () => {
  for (let request = 1; ; request++) {
    for (const when of ['before', 'after'] as const) {
      const { bob, write: writeToBob } = await newScene();
      await writeToBob(['one', 'two']);
      const note = await awayNote(bob);
      const dying = notifier([], { death: { request, when } });
      await notify(dying.context, note).catch(() => {});
      const reached = dying.context.requests();
      const living = notifier();
      await notify(living.context, note);
      const sent = [...dying.sent, ...living.sent];
      expect(sent.length).toBeGreaterThan(0);
      expect(new Set(sent.map((one) => JSON.stringify(one))).size).toBe(1);
      await writeToBob(['three']);
      await notify(living.context, await awayNote(bob));
      expect(living.sent.at(-1)).toMatchObject({ seq: 3, count: 3 });
      if (reached < request && when === 'after') return;
    }
  }
});
