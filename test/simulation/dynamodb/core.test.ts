// The model under what it is for: the domain itself, whose every request goes to a real engine as well.
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { edit, recall } from '../../../src/core/changes.ts';
import { registerConnection, forgetConnection } from '../../../src/core/connections.ts';
import type { Caller, Context } from '../../../src/core/context.ts';
import { Database } from '../../../src/core/database.ts';
import { appendPointers } from '../../../src/core/mailbox.ts';
import { forgetWaiting, noteWaiting } from '../../../src/core/offline-queue.ts';
import { KnownGroups } from '../../../src/core/groups/known-groups.ts';
import { Watches } from '../../../src/core/notifications/note.ts';
import { PushFailures } from '../../../src/core/push-failures.ts';
import { read } from '../../../src/core/read-positions.ts';
import { send } from '../../../src/core/send.ts';
import { parseSettings } from '../../../src/core/settings.ts';
import { sync } from '../../../src/core/sync.ts';
import type { ModelCommand } from './model.ts';
import { startTwin, type Twin } from './twin.ts';
import { noObjects } from '../../support/no-objects.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
const WALKS = 12;
const ACTIONS_A_WALK = 40;

let twin: Twin;
beforeAll(async () => {
  twin = await startTwin(() => clock.now);
});
afterAll(() => twin.close());

/** One request at a time: of two at once, nobody knows which one the engine takes first. */
function createContext(): Context {
  let last: Promise<unknown> = Promise.resolve();
  const client = {
    send(command: ModelCommand) {
      const next = last.then(() => twin.send(command));
      last = next.catch(() => undefined);
      return next;
    },
  };
  const post = async () => 'accepted' as const;
  return {
    db: new Database(client as unknown as DynamoDBClient, twin.names, async () => {}),
    settings: parseSettings({ conversationsPerMinute: 10_000 }),
    now: () => clock.now,
    backOff: async () => {},
    wait: async (ms) => void (clock.now += ms),
    connections: { post, startPushes: () => ({ push: post, lastCall: () => {} }), close: async () => {} },
    pushFailures: new PushFailures(),
    knownGroups: new KnownGroups(),
    tasks: { send: async () => {} },
    notes: { send: async () => {} },
    watches: new Watches(),
    objects: noObjects,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
}

const caller = (walk: number, user: string, device: string): Caller => ({
  userId: `${user}${walk}`,
  deviceId: device,
  platform: 'ios',
  connectionId: `connection-${device}`,
  connectedAt: clock.now,
  expiresAt: clock.now / 1_000 + 86_400,
  arrivedAt: clock.now,
});

const action = fc.record({
  kind: fc.constantFrom(
    'connect',
    'send',
    'send',
    'send',
    'append',
    'sync',
    'read',
    'recall',
    'edit',
    'wait',
    'forget',
    'leave',
  ),
  user: fc.constantFrom('ann', 'ben'),
  device: fc.constantFrom('phone', 'laptop'),
  number: fc.integer({ min: 1, max: 6 }),
  pauseMs: fc.constantFrom(0, 10, 2_000),
});
type Action = typeof action extends fc.Arbitrary<infer Drawn> ? Drawn : never;

async function perform(ctx: Context, walk: number, { kind, user, device, number }: Action): Promise<unknown> {
  const who = caller(walk, user, device);
  const peer = `${user === 'ann' ? 'ben' : 'ann'}${walk}`;
  const conversationId = `d:ann${walk}:ben${walk}`;
  switch (kind) {
    case 'connect':
      return registerConnection(ctx, who);
    case 'send': {
      const silent = number === 6;
      const frame = { action: 'send', id: 'r', type: 'text', ephemeral: false, silent } as const;
      const body = { text: `message ${number}` };
      return send(ctx, who, { ...frame, to: `user:${peer}`, clientMsgId: `client-message-${number}`, body });
    }
    case 'append': {
      const pointers = [`${peer}#${number}`, `${peer}#${number + 6 * walk}`];
      return appendPointers(ctx, who.userId, pointers);
    }
    case 'sync':
      return sync(ctx, who, { action: 'sync', id: 's', limit: 10 });
    case 'read':
      return read(ctx, who, { action: 'read', id: 'r', conversationId, seq: number });
    case 'recall':
      return recall(ctx, who, { action: 'recall', id: 'r', conversationId, seq: number });
    case 'edit': {
      const clientMsgId = `client-edit-${number}`;
      const body = { text: `edited ${number}` };
      return edit(ctx, who, { action: 'edit', id: 'e', conversationId, seq: number, clientMsgId, body });
    }
    case 'wait': {
      const waiting = { count: number, conversationId, seq: number, syncSeq: number, repeated: number > 3 };
      return noteWaiting(ctx, who.userId, device, waiting);
    }
    case 'forget':
      return forgetWaiting(ctx, who.userId, device, number);
    case 'leave':
      return forgetConnection(ctx, who);
  }
}

it('answers the domain as the engine does', async () => {
  const ctx = createContext();
  let walk = 0;
  const property = fc.asyncProperty(
    fc.array(action, { minLength: ACTIONS_A_WALK, maxLength: ACTIONS_A_WALK, size: 'max' }),
    async (actions) => {
      walk++;
      for (const user of ['ann', 'ben']) await registerConnection(ctx, caller(walk, user, 'phone'));
      for (const drawn of actions) {
        clock.now += drawn.pauseMs;
        await perform(ctx, walk, drawn).catch(ignoreDomain);
      }
    },
  );
  await fc.assert(property, { seed: 20_261_125, numRuns: WALKS, endOnFailure: true });
  await twin.compareTables();
  expect(twin.count()).toBeGreaterThan(WALKS * ACTIONS_A_WALK);
  expect(twin.model.records(twin.names.Messages).length).toBeGreaterThan(WALKS);
});

/** What the domain makes of it is tested elsewhere; that the two disagree is not to be lost. */
function ignoreDomain(error: unknown): void {
  if (error instanceof Error && error.name === 'AssertionError') throw error;
}
