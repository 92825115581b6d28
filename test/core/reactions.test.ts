// Reactions are three writes: whoever dies between them is finished by the repeat, and who races changes nothing twice.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller, Context } from '../../src/core/context.ts';
import type { Item } from '../../src/core/database.ts';
import { history } from '../../src/core/history.ts';
import { react } from '../../src/core/reactions.ts';
import { send } from '../../src/core/send.ts';
import type { Message, Slot } from '../../src/protocol/messages.ts';
import { Killed, startTables, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
let tables: TestTables;
let people = 0;
beforeAll(async () => {
  tables = await startTables(clock);
});
afterAll(() => tables.close());

interface Scene {
  readonly reader: Caller;
  readonly writer: Caller;
  readonly conversationId: string;
  write(): Promise<unknown>;
  react(ctx: Context, by?: Caller, remove?: boolean): ReturnType<typeof react>;
  /** So many to another message that the conversation remembers none from before. */
  reactElsewhere(): Promise<void>;
  /** Numbers that tell of reactions to the message, voids left out. */
  told(): Promise<number>;
  shown(): Promise<unknown>;
  /** The message as it is stored. */
  item(): Promise<Item>;
  /** What the message is counted to have. */
  counted(): Promise<unknown>;
}

/** A message of somebody's that somebody else may react to. */
async function newScene(): Promise<Scene> {
  const [writer, reader] = [
    await tables.connect(`writer-${++people}`),
    await tables.connect(`reader-${people}`),
  ];
  let written = 0;
  const write = () => {
    clock.now += 1_000;
    return send(tables.context(), writer, {
      action: 'send',
      id: 's',
      to: `user:${reader.userId}`,
      clientMsgId: `message-${++written}`,
      type: 'text',
      body: { text: 'hi' },
      silent: false,
      ephemeral: false,
    });
  };
  const sent = await write();
  await write();
  const { conversationId } = sent as { conversationId: string };
  const slots = async () => {
    clock.now += 60_000;
    const page = { action: 'history', id: 'h', conversationId, after: 0, limit: 100 } as const;
    return (await history(tables.context(), reader, page)) as unknown as { messages: Slot[] };
  };
  const item = async () => {
    const items = await tables.scan('Messages');
    return items.find((one) => one['conversationId'] === conversationId && one['seq'] === 1)!;
  };
  const reaction = ({ seq = 1, remove = false }) =>
    ({ action: 'react', id: 'r', conversationId, seq, emoji: '👍', remove }) as const;
  return {
    reader,
    writer,
    conversationId,
    write,
    react: (ctx, by = reader, remove = false) => react(ctx, by, reaction({ remove })),
    async reactElsewhere() {
      for (const remove of [false, true, false, true]) {
        clock.now += 1_000;
        const answer = await react(tables.context(), writer, reaction({ seq: 2, remove }));
        expect(answer).toMatchObject({ ok: true });
      }
    },
    told: async () =>
      (await slots()).messages.filter(
        (slot) => 'type' in slot && slot.type === 'control' && slot.body['seq'] === 1,
      ).length,
    shown: async () => ((await slots()).messages[0] as Message).reactions,
    item,
    counted: async () => (await item())['reactionCount'],
  };
}

const nothing = async () => {};

/** What holds no message yet never will. */
async function fence(scene: Scene): Promise<void> {
  await scene.write();
  await scene.told();
}

async function fenceAndForget(scene: Scene): Promise<void> {
  await fence(scene);
  await scene.reactElsewhere();
}

const hasDied = (reacting: Promise<unknown>): Promise<boolean> =>
  reacting.then(
    () => false,
    (error: unknown) => {
      if (error instanceof Killed) return true;
      throw error;
    },
  );

const mine = { emoji: '👍', count: 1, mine: true };

for (const [when, meanwhile] of [
  ['before', 'nothing'],
  ['after', 'nothing'],
  ['before', 'its number was fenced'],
] as const) {
  test(`P5.12a: a reaction that died ${when} any of its requests is there, counted and told once, when it is repeated; meanwhile ${meanwhile}`, async () => {
    for (let request = 1, died = true; died; request++) {
      const scene = await newScene();
      clock.now += 1_000;
      died = await hasDied(scene.react(tables.context({ death: { request, when } })));
      clock.now += 1_000;
      if (meanwhile !== 'nothing') await fence(scene);
      const where = `${when} request ${request}`;
      expect(await scene.react(tables.context()), where).toMatchObject({ ok: true, reactions: [mine] });
      expect(await scene.shown(), where).toMatchObject([mine]);
      expect(await scene.counted(), where).toBe(1);
      expect(await scene.told(), where).toBe(1);
    }
  });
}

for (const [meanwhile, before, after] of [
  ['alone', nothing, nothing],
  ['and then so many others that it is forgotten', nothing, (scene: Scene) => scene.reactElsewhere()],
  ['after a reader fenced what it found', fence, nothing],
  ['after that, and so many others that it is forgotten', fenceAndForget, nothing],
] as const) {
  test(`P5.12a: the same reaction from another device, between any two requests of this one, is counted and told once: ${meanwhile}`, async () => {
    for (let request = 1, wasLast = false; !wasLast; request++) {
      const scene = await newScene();
      clock.now += 1_000;
      // Not the first of its kind, which has a condition of its own.
      await scene.react(tables.context(), scene.writer);
      clock.now += 1_000;
      const racing = tables.context({
        beforeRequest: async (nth) => {
          if (nth !== request) return;
          await before(scene);
          expect(await scene.react(tables.context())).toMatchObject({ ok: true });
          await after(scene);
        },
      });
      const where = `before request ${request}`;
      const both = { ...mine, count: 2 };
      expect(await scene.react(racing), where).toMatchObject({ ok: true, reactions: [both] });
      wasLast = racing.requests() < request;
      expect(await scene.counted(), where).toBe(2);
      expect(await scene.shown(), where).toMatchObject([both]);
      expect(await scene.told(), where).toBe(2);
      clock.now += 1_000;
      expect(await scene.react(tables.context(), scene.reader, true), where).toMatchObject({
        ok: true,
        reactions: [{ ...mine, mine: false }],
      });
      expect(await scene.counted(), where).toBe(1);
    }
  });
}

test('P5.12a: what is undone and done again, between any two requests of who undoes it, is told each time', async () => {
  for (let request = 1, wasLast = false; !wasLast; request++) {
    const scene = await newScene();
    for (const by of [scene.writer, scene.reader]) {
      clock.now += 1_000;
      await scene.react(tables.context(), by);
    }
    clock.now += 1_000;
    const racing = tables.context({
      beforeRequest: async (nth) => {
        if (nth !== request) return;
        expect(await scene.react(tables.context(), scene.reader, true)).toMatchObject({ ok: true });
        clock.now += 1_000;
        expect(await scene.react(tables.context())).toMatchObject({ ok: true });
        clock.now += 1_000;
      },
    });
    expect(await scene.react(racing, scene.reader, true)).toMatchObject({ ok: true });
    wasLast = racing.requests() < request;
    const where = `before request ${request}`;
    const counted = await scene.counted();
    expect(await scene.shown(), where).toMatchObject([{ count: counted, mine: counted === 2 }]);
    // Two that reacted; one undid it, and did it again. If it is undone, that was after this, and is told, too.
    expect(await scene.told(), where).toBe(wasLast ? 3 : counted === 2 ? 4 : 5);
  }
});

test('P5.12a: what hung of a reaction changes nothing when it is carried out after that was taken back', async () => {
  for (let request = 1, wasLast = false; !wasLast; request++) {
    const scene = await newScene();
    const tap = async (by: Caller, remove = false) => {
      clock.now += 1_000;
      expect(await scene.react(tables.context(), by, remove)).toMatchObject({ ok: true });
    };
    await tap(scene.writer);
    const racing = tables.context({
      beforeRequest: async (nth) => {
        if (nth !== request) return;
        await tap(scene.writer, true);
        await tap(scene.writer);
        await tap(scene.reader);
      },
    });
    expect(await scene.react(racing)).toMatchObject({ ok: true });
    wasLast = racing.requests() < request;
    await tap(scene.reader, true);
    await racing.again();
    const where = `before request ${request}`;
    expect(await scene.shown(), where).toMatchObject([{ count: 1, mine: false }]);
    expect(await scene.counted(), where).toBe(1);
  }
});

test('P5.12a: of a message that was reacted to very often, the highest numbers are known, and each change is told', async () => {
  const scene = await newScene();
  const changes = 70;
  for (let n = 0; n < changes; n++) {
    clock.now += 1_000;
    expect(await scene.react(tables.context(), scene.reader, n % 2 === 1)).toMatchObject({ ok: true });
  }
  expect(await scene.told()).toBe(changes);
  const { told } = (await scene.item()) as { told: Set<string> };
  const last = changes + 2;
  expect(told.size).toBeLessThanOrEqual(32);
  for (let seq = last; seq > last - 16; seq--) expect(told).toContain(seq.toString(36));
});

test('P5.12a: what one who died could not tell any more is told in their name, whoever meets it', async () => {
  let told = 0;
  for (let request = 1, died = true; died; request++) {
    const scene = await newScene();
    clock.now += 1_000;
    const dying = tables.context({ death: { request, when: 'after' } });
    died = await hasDied(scene.react(dying, scene.writer));
    clock.now += 1_000;
    // Nothing is to be changed for that, or to be told.
    expect(await scene.react(tables.context(), scene.reader, true)).toMatchObject({ ok: true });
    const items = await tables.scan('Messages');
    const controls = items.filter(
      (item) => item['conversationId'] === scene.conversationId && item['type'] === 'control',
    );
    told += controls.length;
    for (const { from, deviceId, body } of controls) {
      const { userId } = scene.writer;
      expect({ from, deviceId }).toEqual({ from: userId, deviceId: scene.writer.deviceId });
      expect(JSON.parse(body as string)).toMatchObject({ op: 'reaction', by: userId });
    }
  }
  expect(told).toBeGreaterThan(1);
});
