// Whoever changes a group or sends to one may die at each of their requests: the same frame again finishes it, the count of
// members is that of the members, there is one owner, and nothing is half done.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edit } from '../../src/core/changes.ts';
import type { Caller, Context } from '../../src/core/context.ts';
import type { Item } from '../../src/core/database.ts';
import { fanOut } from '../../src/core/fan-out.ts';
import { carryOut } from '../../src/core/groups/carry-out.ts';
import { createGroup } from '../../src/core/groups/create-group.ts';
import { muteMember, setRole, updateGroup } from '../../src/core/groups/management.ts';
import { dismissGroup, leaveGroup, removeMembers } from '../../src/core/groups/leaving.ts';
import { addMembers } from '../../src/core/groups/membership.ts';
import { subscribe } from '../../src/core/groups/subscriptions.ts';
import { history } from '../../src/core/history.ts';
import { pending } from '../../src/core/pending.ts';
import { react } from '../../src/core/reactions.ts';
import { send } from '../../src/core/send.ts';
import { sync } from '../../src/core/sync.ts';
import { NOBODY, toSlot } from '../../src/core/timeline.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import {
  Killed,
  startTables,
  type ContextOptions,
  type TestContext,
  type TestTables,
} from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-25T12:00:00Z') };
let tables: TestTables;
let ctx: TestContext;
beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context({ settings: { settleMs: 0 } });
});
afterAll(() => tables.close());

let scenes = 0;
interface Scene {
  readonly owner: Caller;
  readonly others: readonly Caller[];
  readonly conversationId: string;
}

const createFrame = (members: readonly string[]): ClientFrame<'createGroup'> => ({
  action: 'createGroup',
  id: 'c',
  clientGroupId: `group-${scenes}`,
  title: 'A group',
  members: [...members],
});

async function newScene(count = 2, context: Context = ctx): Promise<Scene> {
  const n = ++scenes;
  const owner = await tables.connect(`owner-${n}`);
  const others: Caller[] = [];
  for (let index = 0; index < count; index++) others.push(await tables.connect(`m${index}-${n}`));
  const created = await createGroup(context, owner, createFrame(others.map(({ userId }) => userId)));
  if (!created.ok) throw new Error(created.error.message);
  return { owner, others, conversationId: created.conversationId };
}

const sendFrame = (conversationId: string, text: string, silent = false): ClientFrame<'send'> => ({
  action: 'send',
  id: 's',
  to: conversationId,
  clientMsgId: `message-${text}`,
  type: 'text',
  body: { text },
  silent,
  ephemeral: false,
});

/** What is stored of a group. */
async function stateOf(conversationId: string) {
  const partition = { partition: conversationId, limit: 10_000 };
  const [items, stored] = await Promise.all([
    ctx.db.query({ table: 'Conversations', ...partition, from: ' ', to: '~' }),
    ctx.db.query({ table: 'Messages', ...partition, from: 0, to: 1_000_000 }),
  ]);
  const head = items.find((item) => item['item'] === 'HEAD');
  const info = items.find((item) => item['item'] === 'INFO');
  const userIdOf = (item: Item) => String(item['item']).slice('MEMBER#'.length);
  const everybody = items.filter((item) => String(item['item']).startsWith('MEMBER#'));
  const members = everybody.filter((item) => item['role'] !== undefined);
  const users = members.map(userIdOf).toSorted();
  const owners = members.filter((item) => item['role'] === 'owner').map(userIdOf);
  const views = await ctx.db.batchGet(
    'Users',
    everybody.map((item) => ({ userId: userIdOf(item), item: `CONV#${conversationId}` })),
  );
  const listed = views.map((item) => item['userId'] as string).toSorted();
  return { head, info, users, owners, listed, slots: stored.map((item) => toSlot(item, NOBODY)) };
}

async function expectConsistent(conversationId: string): Promise<Awaited<ReturnType<typeof stateOf>>> {
  const state = await stateOf(conversationId);
  expect(state.head?.['memberCount']).toBe(state.users.length);
  expect(state.listed).toEqual(state.users);
  expect(state.owners).toEqual([state.info?.['owner']]);
  expect(state.slots.map(({ seq }) => seq)).toEqual(state.slots.map((_, index) => index + 1));
  expect(state.head?.['seq']).toBe(state.slots.length);
  return state;
}

/** Dies before and after each request in turn, until it lives; `act` is repeated then, and `check` looks at what came of it. */
async function dieEverywhere(
  prepare: () => Promise<Scene>,
  act: (context: Context, scene: Scene) => Promise<unknown>,
  check: (scene: Scene, answers: readonly unknown[]) => Promise<void>,
): Promise<number> {
  for (let request = 1; ; request++) {
    let deaths = 0;
    for (const when of ['before', 'after'] as const) {
      const scene = await prepare();
      const died = await act(tables.context({ death: { request, when } }), scene).then(
        () => false,
        (error: unknown) => {
          if (error instanceof Killed) return true;
          throw error;
        },
      );
      if (died) deaths++;
      const first = await act(ctx, scene);
      const second = await act(ctx, scene);
      await check(scene, [first, second]);
    }
    if (deaths === 0) return request - 1;
  }
}

describe('I4 a death between any two requests', () => {
  test('of who makes a group', async () => {
    const requests = await dieEverywhere(
      async () => {
        const n = ++scenes;
        const owner = await tables.connect(`owner-${n}`);
        const others = await Promise.all(
          Array.from({ length: 27 }, (_, index) => tables.connect(`m${String(index).padStart(2, '0')}-${n}`)),
        );
        return { owner, others, conversationId: '' };
      },
      (context, { owner, others }) =>
        createGroup(context, owner, createFrame([...others.map(({ userId }) => userId), 'nobody'])),
      async ({ owner, others }, [first, second]) => {
        const { conversationId } = first as { conversationId: string };
        expect(first).toMatchObject({ ok: true, skipped: [{ userId: 'nobody', reason: 'user_not_found' }] });
        expect(second).toMatchObject({ ...(first as object), duplicate: true });
        const { users } = await expectConsistent(conversationId);
        expect(users).toEqual([...others, owner].map(({ userId }) => userId).toSorted());
      },
    );
    expect(requests).toBeGreaterThan(5);
  }, 60_000);

  test.each([
    [
      'adds members',
      async (context: Context, { owner, conversationId }: Scene) => {
        const users = [`new-${conversationId.slice(2, 8)}`];
        await tables.connect(users[0]!);
        return addMembers(context, owner, { action: 'addMembers', id: 'a', conversationId, users });
      },
      4,
      ['group.added'],
    ],
    [
      'removes members',
      (context: Context, { owner, others, conversationId }: Scene) =>
        removeMembers(context, owner, {
          action: 'removeMembers',
          id: 'r',
          conversationId,
          users: others.map(({ userId }) => userId),
        }),
      1,
      ['group.removed'],
    ],
    [
      'leaves',
      (context: Context, { others, conversationId }: Scene) =>
        leaveGroup(context, others[0]!, { conversationId }),
      2,
      ['group.left'],
    ],
    [
      'hands over',
      (context: Context, { owner, others, conversationId }: Scene) =>
        setRole(context, owner, { conversationId, userId: others[1]!.userId, role: 'owner' }),
      3,
      ['group.role', 'group.role'],
    ],
    [
      'mutes',
      (context: Context, { owner, others, conversationId }: Scene) =>
        muteMember(context, owner, {
          action: 'muteMember',
          id: 'm',
          conversationId,
          userId: others[1]!.userId,
          seconds: 60,
        }),
      3,
      ['group.muted'],
    ],
    [
      'renames',
      (context: Context, { owner, conversationId }: Scene) =>
        updateGroup(context, owner, { action: 'updateGroup', id: 'u', conversationId, title: 'Other' }),
      3,
      ['group.updated'],
    ],
  ] as const)('of who %s', async (_, act, membersAfter, told) => {
    await dieEverywhere(
      () => newScene(),
      act,
      async ({ conversationId }, [first, second]) => {
        expect(first).toMatchObject({ ok: true });
        expect(second).toEqual(first);
        const { users, slots } = await expectConsistent(conversationId);
        expect(users).toHaveLength(membersAfter);
        // Once, whoever died.
        expect(slots.slice(1).map((slot) => (slot as Message).body['op'])).toEqual(told);
      },
    );
  });

  test('of who dismisses it', async () => {
    await dieEverywhere(
      () => newScene(),
      (context, { owner, conversationId }) => dismissGroup(context, owner, { conversationId }),
      async ({ others, conversationId }, answers) => {
        expect(answers).toEqual([{ ok: true }, { ok: true }]);
        const { slots } = await stateOf(conversationId);
        expect(slots.map((slot) => (slot as Message).body['op'])).toEqual([
          'group.created',
          'group.dismissed',
        ]);
        expect(await send(ctx, others[0]!, sendFrame(conversationId, 'late'))).toMatchObject({
          error: { code: 'not_member' },
        });
      },
    );
  });

  test('of who sends: one seq, whatever the others write meanwhile', async () => {
    const requests = await dieEverywhere(
      () => newScene(),
      (context, { others, conversationId }) => send(context, others[0]!, sendFrame(conversationId, 'hello')),
      async ({ owner, others, conversationId }, [first, second]) => {
        expect(second).toMatchObject({ ok: true, duplicate: true, seq: (first as { seq: number }).seq });
        await send(ctx, others[1]!, sendFrame(conversationId, 'another'));
        const page = await history(ctx, owner, { action: 'history', id: 'h', conversationId, limit: 100 });
        const slots = page.ok ? page.messages : [];
        const texts = slots.flatMap((slot) => (isVoid(slot) ? [] : [slot.body['text'] ?? slot.body['op']]));
        expect(texts).toEqual(['group.created', 'hello', 'another']);
      },
    );
    expect(requests).toBe(6);
  });
});

describe('I3 races', () => {
  test('changes and messages all at once: dense, and one state', async () => {
    const { owner, others, conversationId } = await newScene(4);
    const [ben, cem, dan] = others as [Caller, Caller, Caller];
    const newcomer = await tables.connect(`late-${scenes}`);
    const add = (caller: Caller) =>
      addMembers(ctx, caller, { action: 'addMembers', id: 'a', conversationId, users: [newcomer.userId] });
    const remove = (caller: Caller, userId: string) =>
      removeMembers(ctx, caller, { action: 'removeMembers', id: 'r', conversationId, users: [userId] });
    await Promise.all([
      setRole(ctx, owner, { conversationId, userId: ben.userId, role: 'owner' }),
      setRole(ctx, owner, { conversationId, userId: cem.userId, role: 'owner' }),
      add(owner),
      add(cem),
      remove(owner, dan.userId),
      leaveGroup(ctx, dan, { conversationId }),
      ...Array.from({ length: 10 }, (_, n) => send(ctx, dan, sendFrame(conversationId, `dan-${n}`))),
      ...Array.from({ length: 10 }, (_, n) => send(ctx, ben, sendFrame(conversationId, `ben-${n}`))),
    ]);
    const page = await history(ctx, owner, { action: 'history', id: 'h', conversationId, limit: 100 });
    expect(page).toMatchObject({ ok: true, end: true });
    const { users, slots } = await expectConsistent(conversationId);
    expect(users).toContain(newcomer.userId);
    expect(users).not.toContain(dan.userId);
    // Nothing of who went stands after what told of it.
    const went = slots.findIndex(
      (slot) => !isVoid(slot) && ['group.left', 'group.removed'].includes(String(slot.body['op'])),
    );
    expect(
      slots.slice(went).filter((slot) => !isVoid(slot) && slot.from === dan.userId && slot.type === 'text'),
    ).toEqual([]);
  });

  test('a change comes between the messages of a group in which somebody always writes', async () => {
    const { owner, others, conversationId } = await newScene();
    const over = new AbortController();
    const write = async (caller: Caller) => {
      for (let n = 0; !over.signal.aborted; n++)
        await send(ctx, caller, sendFrame(conversationId, `${caller.userId}-${n}`));
    };
    const writers = others.map(write);
    const updated = await updateGroup(ctx, owner, {
      action: 'updateGroup',
      id: 'u',
      conversationId,
      title: 'Now',
    });
    over.abort();
    await Promise.all(writers);
    expect(updated).toMatchObject({ ok: true, title: 'Now' });
  });

  test('the same frame ten times at once, over and over: no number is wasted', async () => {
    const { others, conversationId } = await newScene();
    for (let n = 0; n < 5; n++) {
      const frame = sendFrame(conversationId, `repeated-${n}`);
      const answers = await Promise.all(Array.from({ length: 10 }, () => send(ctx, others[0]!, frame)));
      expect(new Set(answers.map((answer) => (answer as { seq: number }).seq))).toEqual(new Set([n + 2]));
    }
    const { head } = await expectConsistent(conversationId);
    expect(head?.['uncounted']).toBeUndefined();
  });
});

/** What fan-out is given of a group, message by message. */
async function storedMessages(conversationId: string): Promise<Message[]> {
  const { slots } = await stateOf(conversationId);
  return slots.filter((slot): slot is Message => !isVoid(slot));
}

/** What a mailbox holds of a group: seqs, and events. */
async function mailboxOf(caller: Caller, conversationId: string): Promise<(number | string)[]> {
  const answer = await sync(ctx, caller, { action: 'sync', id: 'y', after: 0, limit: 200 });
  const events = 'events' in answer ? answer.events : [];
  return events.flatMap((event): (number | string)[] => {
    if (event.kind === 'conversation') return event.conversationId === conversationId ? [event.change] : [];
    if (event.kind === 'contact') return [];
    return event.message.conversationId === conversationId ? [event.message.seq] : [];
  });
}

const remove = (context: Context, { owner, others, conversationId }: Scene) =>
  removeMembers(context, owner, {
    action: 'removeMembers',
    id: 'g',
    conversationId,
    users: [others[0]!.userId],
  });
const dismiss = (context: Context, { owner, conversationId }: Scene) =>
  dismissGroup(context, owner, { conversationId });
const editFirst = (context: Context, { others, conversationId }: Scene) =>
  edit(context, others[0]!, {
    action: 'edit',
    id: 'e',
    conversationId,
    seq: 2,
    clientMsgId: 'an-edit',
    body: { text: 'edited' },
  });
const reactToFirst = (context: Context, { others, conversationId }: Scene) =>
  react(context, others[0]!, {
    action: 'react',
    id: 'r',
    conversationId,
    seq: 2,
    emoji: '👍',
    remove: false,
  });

describe('I8: nothing of theirs is numbered after that, between any two requests of it, when', () => {
  test.each([
    ['they are removed, of an edit', remove, editFirst],
    ['they are removed, of a reaction', remove, reactToFirst],
    ['their group is dismissed, of an edit', dismiss, editFirst],
    ['their group is dismissed, of a reaction', dismiss, reactToFirst],
  ] as const)('%s', async (_, end, act) => {
    for (let request = 1, wasLast = false; !wasLast; request++) {
      const scene = await newScene();
      clock.now += 1_000;
      await send(ctx, scene.others[0]!, sendFrame(scene.conversationId, 'first'));
      clock.now += 1_000;
      const racing = tables.context({
        settings: { settleMs: 0 },
        beforeRequest: async (nth) => {
          if (nth === request) expect(await end(ctx, scene)).toMatchObject({ ok: true });
        },
      });
      const answer = await act(racing, scene);
      wasLast = racing.requests() < request;
      const { slots } = await stateOf(scene.conversationId);
      const ops = slots.flatMap((slot) => (isVoid(slot) || slot.type !== 'control' ? [] : [slot.body['op']]));
      const own = ops.findIndex((op) => op === 'edit' || op === 'reaction');
      const theEnd = ops.findIndex((op) => op === 'group.removed' || op === 'group.dismissed');
      const where = `before request ${request}: ${ops.join()}`;
      if (theEnd >= 0) expect(own, where).toBeLessThan(theEnd);
      expect(answer, where).toMatchObject(own < 0 ? { error: { code: 'not_member' } } : { ok: true });
    }
  });
});

test('I8: who goes and comes anew while they send has it under a number of when they were in', async () => {
  for (let request = 1, wasLast = false; !wasLast; request++) {
    wasLast = true;
    const scene = await newScene();
    const { owner, others, conversationId } = scene;
    const [sender] = others as [Caller];
    clock.now += 1_000;
    const addAnew = () =>
      addMembers(ctx, owner, { action: 'addMembers', id: 'g', conversationId, users: [sender.userId] });
    const racing = tables.context({
      settings: { settleMs: 0 },
      beforeRequest: async (nth) => {
        if (nth === request) {
          expect(await remove(ctx, scene)).toMatchObject({ ok: true });
          wasLast = false;
        }
        if (nth === request + 1) await addAnew();
      },
    });
    const first = await send(racing, sender, sendFrame(conversationId, 'sent'));
    await addAnew();
    clock.now += 1_000;
    if (!first.ok) await send(ctx, sender, sendFrame(conversationId, 'sent'));
    const { slots } = await stateOf(conversationId);
    const said = slots.map((slot) => (isVoid(slot) ? 'void' : String(slot.body['op'] ?? slot.body['text'])));
    const where = `before request ${request}: ${said.join()}`;
    expect(
      said.filter((one) => one === 'sent'),
      where,
    ).toHaveLength(1);
    const [sent, went, came] = ['sent', 'group.removed', 'group.added'].map((one) => said.indexOf(one));
    if (went! >= 0) expect(sent! < went! || sent! > came!, where).toBe(true);
  }
});

test('P5.21: after a burst, a send over a newer connection waits for nothing', async () => {
  const { others, conversationId } = await newScene();
  const first = others[0]!;
  for (const n of [1, 2, 3, 4]) await send(ctx, first, sendFrame(conversationId, `burst-${n}`));
  const newer = { ...first, connectionId: 'a-newer-connection', arrivedAt: clock.now + 1 };
  // Later than the burst lets the device send again, and not so late that the send had come after it.
  clock.now += 1_000;
  expect(await send(ctx, newer, sendFrame(conversationId, 'over the newer'))).toMatchObject({
    ok: true,
    seq: 6,
  });
});

test('P5.4: what the server says of a group waits for nobody', async () => {
  const { owner, others, conversationId } = await newScene();
  await updateGroup(ctx, owner, { action: 'updateGroup', id: 'u', conversationId, title: 'Other' });
  await send(ctx, owner, sendFrame(conversationId, 'three'));
  await fanOut(ctx, await storedMessages(conversationId));
  const answer = await pending(ctx, others[0]!, { action: 'pending', id: 'p', after: 0 });
  expect(answer).toMatchObject({ total: 1, conversations: [{ conversationId, waiting: 1, unread: 1 }] });
});

test('P5.26: making a group with its members is one request', async () => {
  const strict = tables.context({ settings: { groupRequestsPerMinute: 1 } });
  const { owner, others } = await newScene(1, strict);
  const again = { ...createFrame([others[0]!.userId]), clientGroupId: 'one-group-more' };
  expect(await createGroup(strict, owner, again)).toMatchObject({ error: { code: 'rate_limited' } });
});

describe('I8 who hears what', () => {
  test('is who was in when it was numbered, however late and in whatever order it is delivered', async () => {
    const { owner, others, conversationId } = await newScene();
    const [ben, cem] = others as [Caller, Caller];
    await send(ctx, owner, sendFrame(conversationId, 'two'));
    const gone = { action: 'removeMembers', id: 'r', conversationId, users: [ben.userId] } as const;
    await removeMembers(ctx, owner, { ...gone, users: [...gone.users] });
    await send(ctx, owner, sendFrame(conversationId, 'four'));
    await addMembers(ctx, cem, { action: 'addMembers', id: 'a', conversationId, users: [ben.userId] });
    await send(ctx, owner, sendFrame(conversationId, 'six'));
    const messages = await storedMessages(conversationId);
    const late = tables.context();
    for (const message of messages.toReversed()) await fanOut(late, [message]);
    await fanOut(tables.context(), messages);
    // Ben came, went, and came again: of the first stay nothing is delivered any more.
    expect(new Set(await mailboxOf(ben, conversationId))).toEqual(new Set(['joined', 5, 6, 'removed']));
    expect(new Set(await mailboxOf(cem, conversationId))).toEqual(new Set(['joined', 1, 2, 3, 4, 5, 6]));
  });

  test('and what was sent before they went still comes, though it is delivered after', async () => {
    const { owner, others, conversationId } = await newScene();
    const [ben] = others as [Caller];
    await send(ctx, owner, sendFrame(conversationId, 'two'));
    await removeMembers(ctx, owner, {
      action: 'removeMembers',
      id: 'r',
      conversationId,
      users: [ben.userId],
    });
    await send(ctx, owner, sendFrame(conversationId, 'four'));
    await fanOut(ctx, await storedMessages(conversationId));
    expect(await mailboxOf(ben, conversationId)).toEqual(['joined', 1, 2, 'removed']);
  });

  test('and who came later is not shown what an edit from before is about, unless they may see all', async () => {
    for (const history of ['joined', 'all'] as const) {
      const { owner, others, conversationId } = await newScene(1);
      const [ben] = others as [Caller];
      const policy = { history };
      await updateGroup(ctx, owner, { action: 'updateGroup', id: 'u', conversationId, policy });
      const sent = await send(ctx, owner, sendFrame(conversationId, 'early'));
      const seq = 'seq' in sent ? sent.seq! : 0;
      const cem = await tables.connect(`later-${scenes}`);
      const users = [cem.userId];
      await addMembers(ctx, owner, { action: 'addMembers', id: 'a', conversationId, users });
      const body = { text: 'edited' };
      await edit(ctx, owner, { action: 'edit', id: 'e', conversationId, seq, clientMsgId: 'edited', body });
      await fanOut(ctx, await storedMessages(conversationId));
      const targetsOf = async (caller: Caller) => {
        const answer = await sync(ctx, caller, { action: 'sync', id: 'y', after: 0, limit: 200 });
        const events = 'events' in answer ? answer.events : [];
        return events.flatMap((event) => (event.kind === 'message' ? (event.target?.seq ?? []) : []));
      };
      expect(await targetsOf(ben)).toEqual([seq]);
      expect(await targetsOf(cem)).toEqual(history === 'all' ? [seq] : []);
      expect((await mailboxOf(cem, conversationId)).at(-1)).toBe(seq + 2);
      const pushed = ctx.pushed
        .filter(({ connectionId }) => connectionId === cem.connectionId)
        .map(({ frame }) => JSON.stringify(frame));
      expect(pushed.some((frame) => frame.includes('"text":"edited"'))).toBe(history === 'all');
    }
  });

  test('over the cut-over: in mailboxes up to it, pushed above it, in any order', async () => {
    const small = tables.context({ settings: { writeFanoutLimit: 3 } });
    const { owner, others, conversationId } = await newScene(2, small);
    const [ben] = others as [Caller];
    const newcomer = await tables.connect(`fourth-${scenes}`);
    await send(small, owner, sendFrame(conversationId, 'two'));
    await addMembers(small, owner, {
      action: 'addMembers',
      id: 'a',
      conversationId,
      users: [newcomer.userId],
    });
    await send(small, owner, sendFrame(conversationId, 'five'));
    await subscribe(small, ben, { action: 'subscribe', id: 'w', conversationIds: [conversationId] });
    const messages = await storedMessages(conversationId);
    expect(messages.map(({ body }) => body['op'] ?? body['text'])).toEqual([
      'group.created',
      'two',
      'group.added',
      'group.fanout',
      'five',
    ]);
    for (const message of [...messages.toReversed(), ...messages]) await fanOut(small, [message]);
    expect(new Set(await mailboxOf(ben, conversationId))).toEqual(new Set(['joined', 1, 2, 3, 4]));
    expect(await mailboxOf(ben, conversationId)).toHaveLength(5);
    expect(await mailboxOf(newcomer, conversationId)).toEqual([4, 'joined', 3]);
    const pushed = small.pushed.filter(({ frame }) => 'push' in frame && frame.push === 'group');
    expect(pushed[0]).toMatchObject({
      connectionId: ben.connectionId,
      frame: { headSeq: 5, messages: [{ seq: 5 }] },
    });
    // Who does not look hears of the head, though the batch came twice:
    // at once, and again after the interval for what came meanwhile.
    expect(small.queued).toEqual([
      { kind: 'heads', conversationId },
      { kind: 'heads', conversationId },
    ]);
    await carryOut(small, small.queued[0]!);
    await carryOut(small, small.queued[0]!);
    expect((await mailboxOf(newcomer, conversationId)).filter((entry) => entry === 'heads')).toHaveLength(1);
    expect(await mailboxOf(ben, conversationId)).not.toContain('heads');
  });

  test('a member whose mailbox fails delays nobody', async () => {
    const { owner, others, conversationId } = await newScene(4);
    await send(ctx, owner, sendFrame(conversationId, 'two'));
    const messages = await storedMessages(conversationId);
    let refused = 0;
    const options: ContextOptions = {
      beforeRequest: async () => {
        if (++refused === 5) throw new Error('this one fails');
      },
    };
    const { failures } = await fanOut(tables.context(options), messages);
    expect(failures.length).toBeGreaterThan(0);
    const reached = await Promise.all(others.map((caller) => mailboxOf(caller, conversationId)));
    expect(reached.filter((entries) => entries.length === 3).length).toBeGreaterThanOrEqual(3);
    await fanOut(ctx, messages);
    for (const caller of others) expect(await mailboxOf(caller, conversationId)).toEqual(['joined', 1, 2]);
  });

  test('of twelve hundred members, in parts that other invocations do', async () => {
    const { conversationId } = await newScene();
    const userIds = Array.from(
      { length: 1_200 },
      (_, index) => `many-${scenes}-${String(index).padStart(4, '0')}`,
    );
    await Promise.all(
      userIds.map((userId) =>
        ctx.db.put({
          table: 'Conversations',
          item: { conversationId, item: `MEMBER#${userId}`, role: 'member', joinedSeq: 1 },
        }),
      ),
    );
    const messages = await storedMessages(conversationId);
    const fresh = tables.context();
    expect(await fanOut(fresh, messages)).toMatchObject({ failures: [] });
    expect(fresh.queued.map(({ kind }) => kind)).toEqual(['deliver', 'deliver', 'deliver']);
  });
});
