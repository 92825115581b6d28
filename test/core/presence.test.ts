// Who is told that somebody came or went, when changes race and functions die, on the real engine and a clock of its own.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Caller, Context } from '../../src/core/context.ts';
import { arrive, leave } from '../../src/core/people/arrivals.ts';
import { block, blocked } from '../../src/core/people/blocks.ts';
import { presence } from '../../src/core/people/presence.ts';
import { watchPresence } from '../../src/core/people/watches.ts';
import { watchKey } from '../../src/core/tables.ts';
import type { Push } from '../../src/protocol/server-frames.ts';
import { startTables, type TestContext, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-26T12:00:00Z') };
let tables: TestTables;
let ctx: TestContext;
let told: boolean[] = [];
let scene = 0;
/** Of whom is told; and over which connection. */
let ann: Caller;
let watcher: Caller;

const push = async (_: string, frame: Push) => {
  if (frame.push === 'presence') told.push(frame.online);
  return 'accepted' as const;
};
const watch = (caller: Caller, userId: string) =>
  watchPresence(ctx, caller, { action: 'watchPresence', id: 'w', users: [userId] });

beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context({ push });
});
afterAll(() => tables.close());
beforeEach(async () => {
  scene++;
  ann = { ...(await tables.connect(`ann-${scene}`)) };
  watcher = { ...(await tables.connect(`watcher-${scene}`)) };
  expect(await watch(watcher, ann.userId)).toMatchObject({ users: [{ online: true }] });
  told = [];
});

const anew = (): Caller => ({ ...ann, connectionId: `anew-${clock.now}`, connectedAt: clock.now });
const isOnline = async () => {
  const answer = await presence(ctx, watcher, { action: 'presence', id: 'p', users: [ann.userId] });
  return answer.users[0]!.online;
};

test('P5.36: who tells late tells what is so by then', async () => {
  // Forgets the connection; and before it looks who watches the user is back for two seconds.
  const late = tables.context({
    push,
    beforeRequest: async (request) => {
      if (request !== 2) return;
      await arrive(ctx, anew());
      clock.now += 2_000;
    },
  });
  await leave(late, ann);
  expect(told).toEqual([true, true]);
  expect(await isOnline()).toBe(true);
});

test('P5.36: who goes within a second of coming, and is back by the end of it, was never away', async () => {
  await leave(ctx, ann);
  clock.now += 1_000;
  const back = anew();
  await arrive(ctx, back);
  const waits: number[] = [];
  const waiting: Context = {
    ...ctx,
    wait: async (ms) => {
      waits.push(ms);
      // Told by the one that waits: this finds it due.
      await arrive(ctx, { ...back, connectionId: 'back-again', connectedAt: clock.now });
      clock.now += ms;
    },
  };
  clock.now += 300;
  await leave(waiting, back);
  expect(waits).toEqual([700]);
  expect(told).toEqual([false, true]);
  expect(await isOnline()).toBe(true);
});

test('P5.36: who comes and goes without pause is told of once a second', async () => {
  let now = ann;
  const startedAt = clock.now;
  for (let n = 0; n < 20; n++) {
    await leave(ctx, now);
    now = anew();
    clock.now += 10;
    await arrive(ctx, now);
  }
  expect(told.length).toBeLessThanOrEqual(1 + Math.floor((clock.now - startedAt) / 1_000));
  await leave(ctx, now);
  expect(told.at(-1)).toBe(false);
});

test('P5.36: who dies while due keeps the others waiting for two seconds at most', async () => {
  await leave(ctx, ann);
  // Connection, device, who watches, a turn that is taken, a turn in a second.
  const dying = tables.context({ push, death: { request: 5, when: 'after' } });
  const back = anew();
  await expect(arrive(dying, back)).rejects.toThrow('after the request');
  clock.now += 500;
  await leave(ctx, back);
  expect(told).toEqual([false]);
  clock.now += 3_000;
  await arrive(ctx, anew());
  expect(told).toEqual([false, true]);
});

test('P5.34, P5.36: a block that dies anywhere is finished by its repeat, watches and all', async () => {
  for (let request = 1; ; request++) {
    for (const when of ['before', 'after'] as const) {
      const name = `${request}-${when}-${scene}`;
      const [blocker, other] = [await tables.connect(`eva-${name}`), await tables.connect(`fox-${name}`)];
      await watch(other, blocker.userId);
      const dying = tables.context({ push, death: { request, when } });
      const frame = { action: 'block', id: 'b', userId: other.userId } as const;
      await block(dying, blocker, frame).catch(() => {});
      expect(await block(ctx, blocker, frame)).toEqual({ ok: true });
      const list = { action: 'blocked', id: 'l', limit: 10 } as const;
      expect(await blocked(ctx, blocker, list)).toEqual({ ok: true, users: [other.userId] });
      const key = watchKey(blocker.userId, other.userId, other.deviceId);
      expect(await ctx.db.get('Users', key, 'strong'), name).toBeUndefined();
      if (dying.requests() < request) return;
    }
  }
});
