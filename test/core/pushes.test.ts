import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller, PushDelivery } from '../../src/core/context.ts';
import { fanOut } from '../../src/core/fan-out.ts';
import { toMailbox, type Mailbox } from '../../src/core/mailbox.ts';
import { registerForPush } from '../../src/core/push-devices.ts';
import { HEAD } from '../../src/core/tables.ts';
import { directMessage, registration } from '../support/direct-messages.ts';
import { startTables, type TestContext, type TestTables } from '../support/tables.ts';

let tables: TestTables;
let ctx: TestContext;
beforeAll(async () => {
  tables = await startTables();
  ctx = tables.context();
});
afterAll(() => tables.close());

let pairs = 0;
async function newPair(): Promise<{ from: Caller; to: Caller }> {
  pairs++;
  return { from: await tables.connect(`from-${pairs}`), to: await tables.connect(`to-${pairs}`) };
}

const message = (from: Caller, to: Caller, seq: number) =>
  directMessage(from, to, seq, { serverTime: ctx.now() });

async function mailbox(userId: string): Promise<Mailbox> {
  return toMailbox((await ctx.db.get('Users', { userId, item: HEAD }, 'strong'))!);
}

const entriesOf = async (userId: string) =>
  (await tables.scan('OfflineQueue')).filter((item) => item['userId'] === userId);

describe('P6.4: a connection that takes no pushes', () => {
  const stalled = async () => 'stalled' as const;
  /** Its pushes come to these, one after the other. */
  const comingTo = (...deliveries: PushDelivery[]) => {
    const closed: string[] = [];
    const context = tables.context({
      push: async () => deliveries.shift()!,
      connections: { close: async (connectionId) => void closed.push(connectionId) },
    });
    return { context, closed };
  };

  test('is closed and forgotten after three in a row, and what it did not get waits for its device', async () => {
    const { from, to } = await newPair();
    await registerForPush(ctx, to, registration(to));
    const { context, closed } = comingTo('stalled', 'stalled', 'stalled');
    await fanOut(context, [message(from, to, 1)]);
    await fanOut(context, [message(from, to, 2)]);
    expect(context.requests()).toBe(4);
    expect(closed).toEqual([]);
    expect((await mailbox(to.userId)).connections).toHaveLength(1);
    expect(await entriesOf(to.userId)).toEqual([]);

    await fanOut(context, [message(from, to, 3)]);
    expect(closed).toEqual([to.connectionId]);
    expect((await mailbox(to.userId)).connections).toEqual([]);
    expect(await entriesOf(to.userId)).toMatchObject([{ deviceId: to.deviceId, count: 1, lastSyncSeq: 3 }]);
    await fanOut(context, [message(from, to, 4)]);
    expect(await entriesOf(to.userId)).toMatchObject([{ count: 2, lastSyncSeq: 4 }]);
  });

  test('stays when it takes one in between', async () => {
    const { from, to } = await newPair();
    const { context, closed } = comingTo('stalled', 'stalled', 'accepted', 'stalled', 'stalled');
    for (let seq = 1; seq <= 5; seq++) await fanOut(context, [message(from, to, seq)]);
    expect(closed).toEqual([]);
  });

  test('stays when that is not its own fault', async () => {
    const { from, to } = await newPair();
    const { context, closed } = comingTo('failed', 'failed', 'failed', 'failed');
    for (let seq = 1; seq <= 4; seq++) await fanOut(context, [message(from, to, seq)]);
    expect(closed).toEqual([]);
  });

  test('is forgotten only if the device has not connected anew meanwhile', async () => {
    const { from, to } = await newPair();
    const close = async () => {
      await tables.connect(to.userId, to.deviceId, { connectionId: 'the-new-one' });
    };
    const context = tables.context({ push: stalled, connections: { close } });
    for (let seq = 1; seq <= 3; seq++) await fanOut(context, [message(from, to, seq)]);
    expect((await mailbox(to.userId)).connections).toMatchObject([{ connectionId: 'the-new-one' }]);
  });

  test('is tried once for a batch, whatever else that holds', async () => {
    const { from, to } = await newPair();
    let tries = 0;
    const context = tables.context({
      push: async () => {
        tries++;
        return 'stalled';
      },
    });
    // Three pages, which are three frames otherwise.
    const batch = Array.from({ length: 40 }, (_, index) => message(from, to, index + 1));
    await fanOut(context, batch);
    expect(tries).toBe(1);
    expect(await mailbox(to.userId)).toMatchObject({ seq: 40 });
  });

  test('P6.3: keeps a batch only until all mailboxes are written and the last call is over', async () => {
    const twoPairs = [await newPair(), await newPair()];
    let call: () => void = () => {};
    const called = new Promise<'failed'>((resolve) => (call = () => resolve('failed')));
    const context = tables.context({
      connections: { startPushes: () => ({ push: () => called, lastCall: call }) },
    });
    expect(
      await fanOut(
        context,
        twoPairs.map(({ from, to }) => message(from, to, 1)),
      ),
    ).toMatchObject({ failures: [] });
    for (const { to } of twoPairs) expect(await mailbox(to.userId)).toMatchObject({ seq: 1 });
  });
});
