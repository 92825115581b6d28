// The domain's context in a Lambda function: real clock, real tables, real connections.
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../core/context.ts';
import { Database } from '../core/database.ts';
import { KnownGroups } from '../core/groups/known-groups.ts';
import { Watches } from '../core/notifications/note.ts';
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

const noQueue = {
  send: async () => {
    throw new Error('This function has no such queue');
  },
};

const noFiles = async () => {
  throw new Error('This function has no files');
};
const noObjects: Context['objects'] = {
  signUpload: noFiles,
  signDownload: noFiles,
  keep: noFiles,
  put: noFiles,
  delete: noFiles,
};

const unreachable = () => {
  throw new Error('This function has no connections');
};
const noConnections: Context['connections'] = {
  post: unreachable,
  startPushes: unreachable,
  close: unreachable,
};

type Services = Partial<Pick<Context, 'tasks' | 'notes' | 'objects' | 'beforeSend'>>;

/** `services`: for who passes work on, or keeps files. */
export function createContext(services: Services = {}): Context {
  return { ...createContextWithoutConnections(services), connections: createConnections(log) };
}

/** For who tells connected devices nothing: a client that is not used is not in its bundle. */
export function createContextWithoutConnections(services: Services = {}): Context {
  const { tasks = noQueue, notes = noQueue, objects = noObjects, beforeSend } = services;
  return {
    ...createStore(),
    now: Date.now,
    backOff,
    wait: (ms) => delay(ms),
    connections: noConnections,
    pushFailures: new PushFailures(),
    knownGroups: new KnownGroups(),
    tasks,
    notes,
    watches: new Watches(),
    objects,
    ...(beforeSend && { beforeSend }),
    log,
  };
}

/** Full jitter: anything up to a bound that doubles. */
export async function backOff(attempt: number): Promise<void> {
  await delay(Math.random() * Math.min(BACK_OFF.maxMs, BACK_OFF.baseMs * 2 ** attempt));
}
