// The domain's context in a Lambda function: real clock, real tables, real connections.
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../core/context.ts';
import { Database } from '../core/database.ts';
import { KnownGroups } from '../core/groups/known-groups.ts';
import { PushFailures } from '../core/push-failures.ts';
import { createDynamoDb } from './clients.ts';
import { createConnections } from './connections.ts';
import { readSettings, readTableNames } from './environment.ts';
import { log } from './log.ts';

const BACK_OFF = { baseMs: 10, maxMs: 320 };

export type Store = Pick<Context, 'db' | 'settings'>;

/** For who reads tables and nothing else: the rest is not in its bundle. */
export function createStore(): Store {
  return { db: new Database(createDynamoDb(), readTableNames(), backOff), settings: readSettings() };
}

const noTasks: Context['tasks'] = {
  send: async () => {
    throw new Error('This function has no queue');
  },
};

/** `tasks`: for who passes work on. */
export function createContext(tasks = noTasks): Context {
  return {
    ...createStore(),
    now: Date.now,
    backOff,
    wait: (ms) => delay(ms),
    connections: createConnections(log),
    pushFailures: new PushFailures(),
    knownGroups: new KnownGroups(),
    tasks,
    log,
  };
}

/** Full jitter: anything up to a bound that doubles. */
export async function backOff(attempt: number): Promise<void> {
  await delay(Math.random() * Math.min(BACK_OFF.maxMs, BACK_OFF.baseMs * 2 ** attempt));
}
