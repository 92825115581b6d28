// A tab tells what the holder told, also what it keeps nothing of.
import { expect, test } from 'vitest';
import type { ClientEvents } from '../../../src/client/client-events.ts';
import { Emitter } from '../../../src/client/events.ts';
import { ImError } from '../../../src/client/errors.ts';
import { View } from '../../../src/client/tabs/view.ts';
import { packPayload } from '../../../src/client/tabs/wire.ts';

test('any event of the holder comes to the listeners of a tab, its error as an error', () => {
  const told: unknown[] = [];
  const ofHolder = new Emitter<ClientEvents>();
  const ofTab = new Emitter<ClientEvents>();
  const view = new View(ofTab, { retry: async () => {}, discard: async () => {} });
  ofHolder.onAny((name, payload) => {
    const event = structuredClone({ name, payload: packPayload(name, payload) });
    view.take({ event, state: 'synced', lastKick: 0, totalUnread: 0 });
  });
  ofTab.onAny((name, payload) => told.push([name, payload]));
  const error = new ImError('refused', 'Not today', { status: 403, retryable: true });
  ofHolder.emit('disconnected', { error, retryInMs: 7 });
  // Of a release to come.
  const tomorrow = ofHolder as unknown as Emitter<{ raining: { where: string } }>;
  tomorrow.emit('raining', { where: 'here' });
  expect(told).toEqual([
    ['disconnected', { error, retryInMs: 7 }],
    ['raining', { where: 'here' }],
  ]);
});
