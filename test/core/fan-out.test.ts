import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller, Context } from '../../src/core/context.ts';
import { fanOut } from '../../src/core/fan-out.ts';
import { registerForPush } from '../../src/core/push-devices.ts';
import { toMailbox, type Mailbox } from '../../src/core/mailbox.ts';
import { ack, sync } from '../../src/core/sync.ts';
import { HEAD } from '../../src/core/tables.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import { directMessage, registration } from '../support/direct-messages.ts';
import { startTables, type TestContext, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
let tables: TestTables;
let ctx: TestContext;

beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context();
});
afterAll(() => tables.close());

let pairs = 0;
async function newPair(): Promise<{ from: Caller; to: Caller }> {
  pairs++;
  return { from: await tables.connect(`from-${pairs}`), to: await tables.connect(`to-${pairs}`) };
}

const message = (from: Caller, to: Caller, seq: number, text?: string) =>
  directMessage(from, to, seq, { serverTime: clock.now, text });

async function mailbox(userId: string): Promise<Mailbox> {
  return toMailbox((await ctx.db.get('Users', { userId, item: HEAD }, 'strong'))!);
}

function framesTo(context: TestContext, { connectionId }: Caller) {
  return context.pushed.filter((push) => push.connectionId === connectionId).map(({ frame }) => frame);
}

const entriesOf = async (userId: string) =>
  (await tables.scan('OfflineQueue')).filter((item) => item['userId'] === userId);

describe('a batch', () => {
  test('costs a recipient one write and each of its devices one frame, in the order of the conversation', async () => {
    const { from, to } = await newPair();
    const pad = await tables.connect(to.userId, 'pad', { platform: 'web' });
    const context = tables.context();
    await fanOut(
      context,
      [3, 1, 2].map((seq) => message(from, to, seq)),
    );
    expect(context.requests()).toBe(2);
    for (const device of [to, pad]) {
      expect(framesTo(context, device)).toMatchObject([
        {
          push: 'sync',
          from: 1,
          to: 3,
          events: [1, 2, 3].map((n) => ({ syncSeq: n, kind: 'message', message: { seq: n } })),
        },
      ]);
    }
  });

  test('is delivered once, however often the stream gives it', async () => {
    const { from, to } = await newPair();
    const batch = [message(from, to, 1), message(from, to, 2)];
    await Promise.all([fanOut(ctx, batch), fanOut(ctx, [...batch, ...batch]), fanOut(ctx, batch)]);
    expect(await mailbox(to.userId)).toMatchObject({ seq: 2 });
    expect(await mailbox(from.userId)).toMatchObject({ seq: 2 });
  });

  test('too large for a frame says so by an extent without events', async () => {
    const { from, to } = await newPair();
    const context = tables.context();
    await fanOut(
      context,
      [1, 2, 3].map((seq) => message(from, to, seq, 'x'.repeat(15_000))),
    );
    expect(framesTo(context, to)).toEqual([{ push: 'sync', from: 1, to: 3 }]);
  });

  test('I9: a recipient that fails delays no other, and is reported', async () => {
    const { from, to } = await newPair();
    const other = await newPair();
    const context = tables.context();
    const update = context.db.update.bind(context.db);
    context.db.update = (request) =>
      request.key['userId'] === to.userId ? Promise.reject(new Error('broken')) : update(request);
    const { failures } = await fanOut(context, [message(from, to, 1), message(other.from, other.to, 1)]);
    expect(failures.map((failure) => failure.message.from)).toEqual([from.userId]);
    expect(await mailbox(other.to.userId)).toMatchObject({ seq: 1 });
    expect(await mailbox(from.userId)).toMatchObject({ seq: 1 });
  });
});

describe('the sending device', () => {
  test('is not pushed its own copy; its other devices are', async () => {
    const { from, to } = await newPair();
    const desktop = await tables.connect(from.userId, 'desktop', { platform: 'desktop' });
    const context = tables.context();
    await fanOut(context, [message(from, to, 1)]);
    expect(framesTo(context, from)).toEqual([]);
    expect(framesTo(context, desktop)).toMatchObject([{ from: 1, to: 1, events: [{ message: { seq: 1 } }] }]);
  });

  test('gets the next extent from below its own entries, so that it sees no gap', async () => {
    const { from, to } = await newPair();
    await fanOut(ctx, [message(from, to, 1)]);
    await fanOut(ctx, [message(from, to, 2)]);
    const context = tables.context();
    await fanOut(context, [message(to, from, 3)]);
    expect(framesTo(context, from)).toMatchObject([{ from: 1, to: 3, events: [{ syncSeq: 3 }] }]);
  });
});

describe('a connection that is gone', () => {
  const gone = async () => 'gone' as const;

  test('is forgotten', async () => {
    const { from, to } = await newPair();
    clock.now += 60_000;
    await fanOut(tables.context({ push: gone }), [message(from, to, 1)]);
    expect((await mailbox(to.userId)).connections).toEqual([]);
  });

  test('stays when it is so young that it may still be opening', async () => {
    const { from, to } = await newPair();
    await fanOut(tables.context({ push: gone }), [message(from, to, 1)]);
    expect((await mailbox(to.userId)).connections).toMatchObject([{ connectionId: to.connectionId }]);
  });

  test('stays when the device has connected anew meanwhile', async () => {
    const { from, to } = await newPair();
    clock.now += 60_000;
    const reconnecting = async () => {
      await tables.connect(to.userId, to.deviceId, { connectionId: 'the-new-one' });
      return 'gone' as const;
    };
    await fanOut(tables.context({ push: reconnecting }), [message(from, to, 1)]);
    expect((await mailbox(to.userId)).connections).toMatchObject([{ connectionId: 'the-new-one' }]);
  });
});

describe('a registered device that is away', () => {
  async function away(context: Context, device: Caller): Promise<void> {
    await registerForPush(context, device, registration(device));
    await context.db.update({
      table: 'Users',
      key: { userId: device.userId, item: HEAD },
      update: 'REMOVE #connection',
      names: { connection: `c#${device.deviceId}` },
    });
  }

  test('gets an entry that says what waits; a silent message and its own user’s do not count', async () => {
    const { from, to } = await newPair();
    await away(ctx, to);
    await fanOut(ctx, [message(from, to, 1), message(from, to, 2)]);
    await fanOut(ctx, [{ ...message(from, to, 3), silent: true }]);
    await fanOut(ctx, [message({ ...to, deviceId: 'pad' }, from, 4)]);
    await fanOut(ctx, [message(from, to, 5)]);
    const { conversationId } = message(from, to, 1);
    expect(await entriesOf(to.userId)).toMatchObject([
      { deviceId: to.deviceId, count: 3, lastConversationId: conversationId, lastSeq: 5, lastSyncSeq: 5 },
    ]);
  });

  test('has its entry counted once when the batch comes again', async () => {
    const { from, to } = await newPair();
    await away(ctx, to);
    const batch = [message(from, to, 1)];
    await fanOut(ctx, batch);
    await fanOut(ctx, batch);
    expect(await entriesOf(to.userId)).toMatchObject([{ count: 1 }]);
  });

  test('has none while it is connected, and loses it when it has taken everything', async () => {
    const { from, to } = await newPair();
    await registerForPush(ctx, to, registration(to));
    await fanOut(ctx, [message(from, to, 1)]);
    expect(await entriesOf(to.userId)).toEqual([]);
    await away(ctx, to);
    await fanOut(ctx, [message(from, to, 2)]);
    await ack(ctx, to, { action: 'ack', id: undefined, cursor: 1 });
    expect(await entriesOf(to.userId)).toHaveLength(1);
    await ack(ctx, to, { action: 'ack', id: undefined, cursor: 2 });
    expect(await entriesOf(to.userId)).toEqual([]);
  });

  test('is no longer registered after remove', async () => {
    const { from, to } = await newPair();
    await away(ctx, to);
    await registerForPush(ctx, to, { action: 'device', id: 'r', remove: true });
    await fanOut(ctx, [message(from, to, 1)]);
    expect(await entriesOf(to.userId)).toEqual([]);
  });

  test('P5.7: is one of at most eight: for the ninth, the one that was seen longest ago makes room', async () => {
    const { to } = await newPair();
    const devices: Caller[] = [];
    for (let index = 0; index < 8; index++) {
      const device = await tables.connect(to.userId, `device-${index}`);
      devices.push(device);
      await away(ctx, device);
      clock.now += 1_000;
    }
    // The first is seen again: so the second is the one.
    await tables.connect(to.userId, 'device-0');
    await fanOut(ctx, [message({ ...to, userId: 'someone' }, to, 1)]);
    const ninth = await tables.connect(to.userId, 'device-8');
    await away(ctx, ninth);
    const left = ['device-0', ...devices.slice(2).map(({ deviceId }) => deviceId), 'device-8'];
    expect((await mailbox(to.userId)).pushDevices.toSorted()).toEqual(left);
    // Nothing is left of the other.
    const stored = [...(await tables.scan('Users')), ...(await tables.scan('OfflineQueue'))];
    const text = JSON.stringify(stored.filter(({ item }) => item !== 'DEVICE#device-1'));
    expect(text).toContain(`token of ${to.userId} device-0`);
    expect(text).not.toContain(`${to.userId} device-1`);
    expect(text).not.toContain('"deviceId":"device-1"');
  });

  test('P5.7: a push token moves to the device that registers it, whoever’s it was', async () => {
    const { from: alice, to: bob } = await newPair();
    const token = registration(alice);
    await away(ctx, alice);
    await registerForPush(ctx, bob, token);
    await away(ctx, { ...bob, deviceId: 'x' });
    expect((await mailbox(alice.userId)).pushDevices).toEqual([]);
    expect((await mailbox(bob.userId)).pushDevices).toContain(bob.deviceId);
    const holders = (await tables.scan('Users')).filter(({ pushToken }) => pushToken === token.pushToken);
    expect(holders).toMatchObject([{ userId: bob.userId, item: `PUSH#${bob.deviceId}` }]);

    // With another token of its own, a device leaves the old one to nobody; the next takes it from nobody.
    await registerForPush(ctx, bob, { ...token, pushToken: 'another' });
    await registerForPush(ctx, alice, token);
    expect((await mailbox(bob.userId)).pushDevices).toContain(bob.deviceId);
    expect((await mailbox(alice.userId)).pushDevices).toEqual([alice.deviceId]);
  });

  test('P5.7: a registration that dies anywhere is finished by the next, and two have never the same token', async () => {
    for (let request = 1; ; request++) {
      const { from: alice, to: bob } = await newPair();
      const token = registration(alice);
      await registerForPush(ctx, alice, token);
      const dying = tables.context({ death: { request, when: 'after' } });
      const died = await registerForPush(dying, bob, token).then(
        () => false,
        () => true,
      );
      expect(await registerForPush(ctx, bob, token)).toEqual({ ok: true });
      expect((await mailbox(alice.userId)).pushDevices).toEqual([]);
      expect((await mailbox(bob.userId)).pushDevices).toEqual([bob.deviceId]);
      const holders = (await tables.scan('Users')).filter(({ pushToken }) => pushToken === token.pushToken);
      expect(holders.map(({ userId }) => userId)).toEqual([bob.userId]);
      if (!died) break;
    }
  });
});

describe('I5: the cursor', () => {
  const cursorOf = async ({ userId, deviceId }: Caller) =>
    (await ctx.db.get('Users', { userId, item: `DEVICE#${deviceId}` }, 'strong'))?.['cursor'];
  const request = (fields: Partial<ClientFrame<'sync'>>): ClientFrame<'sync'> => ({
    action: 'sync',
    id: 'r',
    limit: 100,
    ...fields,
  });

  test('moves with the next pull, never back, and never beyond the head', async () => {
    const { from, to } = await newPair();
    for (let seq = 1; seq <= 5; seq++) await fanOut(ctx, [message(from, to, seq)]);
    const first = await sync(ctx, to, request({ limit: 2 }));
    expect(first).toMatchObject({ events: [{ syncSeq: 1 }, { syncSeq: 2 }], next: 2, head: 5, more: true });
    expect(await cursorOf(to)).toBeUndefined();
    await sync(ctx, to, request({ after: 2 }));
    expect(await cursorOf(to)).toBe(2);
    await sync(ctx, to, request({ after: 1 }));
    await ack(ctx, to, { action: 'ack', id: undefined, cursor: 1 });
    expect(await cursorOf(to)).toBe(2);
    await ack(ctx, to, { action: 'ack', id: undefined, cursor: 6 });
    expect(await sync(ctx, to, request({ after: 6 }))).toEqual({
      ok: true,
      reset: true,
      head: 5,
      mailbox: (await mailbox(to.userId)).name,
    });
    expect(await cursorOf(to)).toBe(2);
    expect(await sync(ctx, to, request({}))).toMatchObject({
      events: [{ syncSeq: 3 }, { syncSeq: 4 }, { syncSeq: 5 }],
    });
  });

  test('a device within the open page costs one read of the head and one of its messages', async () => {
    const { from, to } = await newPair();
    await fanOut(ctx, [message(from, to, 1)]);
    const reader = tables.context();
    await sync(reader, to, request({ after: 0 }));
    expect(reader.requests()).toBe(2);
  });
});
