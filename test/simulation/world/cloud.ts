// A cloud of one process: gateway, functions, store and stream under one scheduler.
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { createRandom, type Random } from '../../../local/faults/random.ts';
import { TOKEN_LEEWAY_SECONDS } from '../../../src/core/expiry.ts';
import type { Context } from '../../../src/core/context.ts';
import type { Task } from '../../../src/core/groups/task.ts';
import type { Note } from '../../../src/core/notifications/note.ts';
import type { Notification } from '../../../src/core/notifications/notification.ts';
import type { NotifierContext } from '../../../src/core/notifications/notify.ts';
import { tableDefinitions } from '../../../src/core/tables.ts';
import type { PoisonSeen } from '../history.ts';
import type { Notified } from '../sleepers/history.ts';
import type { Blow } from '../stage.ts';
import { ModelDynamoDb } from '../dynamodb/model.ts';
import { calm, type WorldFaults } from './faults.ts';
import { Functions, ROUTE_TIMEOUT_MS, STREAM_TIMEOUT_MS } from './functions.ts';
import { Gateway, type Backend } from './gateway.ts';
import { Scheduler } from './scheduler.ts';
import type { Server } from './server.ts';
import { Stream } from './stream.ts';
import { WorkQueue } from './work-queue.ts';

export interface WorldCloudOptions {
  readonly seed: number;
  readonly server: Server;
  readonly settings: object;
}

interface Claims {
  readonly sub: string;
  readonly exp: number;
}

/** Of the notifier (lib/offline.ts). */
const NOTIFY_TIMEOUT_MS = 20_000;
/** No JSON. */
const UNREADABLE = '{';
const START = Date.parse('2026-11-25T12:00:00Z');

export class WorldCloud {
  readonly url = 'ws://cloud.example/dev';
  readonly scheduler: Scheduler;
  readonly gateway: Gateway;
  readonly model: ModelDynamoDb;
  readonly notified: Notified[] = [];
  private readonly stream: Stream;
  private readonly offlineStream: Stream;
  private readonly tasks: WorkQueue<Task>;
  private readonly notes: WorkQueue<Note>;
  private readonly functions: Functions;
  private readonly server: Server;
  private readonly tokenLifetimes: Random;
  private faults: WorldFaults = calm;
  private poisoned = 0;
  /** By action: for who carries the next one out. */
  private readonly blows = new Map<string, Blow>();

  constructor({ seed, server, settings }: WorldCloudOptions) {
    const randomOf = (name: string): Random => createRandom(seed, name);
    this.server = server;
    this.tokenLifetimes = randomOf('tokens');
    this.scheduler = new Scheduler(randomOf('order'), START);
    const { scheduler } = this;
    const faults = () => this.faults;
    this.model = new ModelDynamoDb({ now: () => scheduler.now, tables: tableDefinitions });
    const { model } = this;
    this.functions = new Functions({
      model,
      scheduler,
      faults,
      random: randomOf('functions'),
      settings,
      onWrite: () => {
        this.stream.poll();
        this.offlineStream.poll();
      },
      connectionsFor: (life) => this.gateway.connectionsFor(life),
      tasksFor: (life) => this.tasks.senderFor(life),
      notesFor: (life) => this.notes.senderFor(life),
    });
    this.tasks = new WorkQueue({
      scheduler,
      faults,
      random: randomOf('tasks'),
      carryOut: (task) => this.functions.invoke(STREAM_TIMEOUT_MS, (ctx) => server.task(ctx, task)),
    });
    const pushService = randomOf('push service');
    this.notes = new WorkQueue({
      scheduler,
      faults,
      random: randomOf('notes'),
      carryOut: (note) =>
        this.functions.invoke(NOTIFY_TIMEOUT_MS, (ctx) => server.note(this.notifier(ctx, pushService), note)),
    });
    this.offlineStream = new Stream({
      model,
      scheduler,
      faults,
      table: 'OfflineQueue',
      partition: 'userId',
      passes: ({ NewImage: image }) => image?.['fresh']?.N === '1',
      random: randomOf('stream of the offline queue'),
      deliver: async (records) => {
        const Records = records.map((record) => ({ eventName: record.eventName, dynamodb: record }));
        const ended = await this.functions.invoke(ROUTE_TIMEOUT_MS, (ctx) =>
          server.offlineStream(ctx, { Records } as Parameters<Server['offlineStream']>[1]),
        );
        return ended.outcome === 'failed' ? ended : { outcome: 'answered', answer: [] };
      },
    });
    this.gateway = new Gateway({ scheduler, faults, random: randomOf('gateway'), backend: this.backend() });
    this.stream = new Stream({
      model,
      scheduler,
      faults,
      table: 'Messages',
      partition: 'conversationId',
      passes: ({ eventName, NewImage: image }) => eventName === 'INSERT' && image?.['type'] !== undefined,
      isPoison: ({ NewImage: image }) => image?.['body']?.S === UNREADABLE,
      random: randomOf('stream'),
      deliver: async (records) => {
        const Records = records.map((record) => ({ eventName: record.eventName, dynamodb: record }));
        const ended = await this.functions.invoke(STREAM_TIMEOUT_MS, (ctx) =>
          server.stream(ctx, { Records } as Parameters<Server['stream']>[1]),
        );
        if (ended.outcome === 'failed') return ended;
        const { batchItemFailures } = ended.answer;
        return {
          outcome: 'answered',
          answer: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
        };
      },
    });
  }

  setFaults(faults: WorldFaults): void {
    this.faults = faults;
  }

  /** A record that no function can read stands among the messages, behind others or before them. */
  poison(conversationId: string): void {
    const message = {
      clientMsgId: 'poison',
      from: 'nobody',
      deviceId: 'none',
      type: 'text',
      body: UNREADABLE,
    };
    const Item = marshall({ conversationId, seq: ++this.poisoned, serverTime: 0, ...message });
    this.model.execute(new PutItemCommand({ TableName: 'Messages', Item }));
    this.stream.poll();
  }

  /** Poison that was put there, and how much of it ended in the on-failure destination. */
  get poisonSeen(): PoisonSeen {
    return { put: this.poisoned, givenUp: this.stream.givenUp };
  }

  strike(action: string, blow: Blow): void {
    this.blows.set(action, blow);
  }

  /** Other tables, with nothing in them; functions begin anew with them. */
  setUpAnew(): void {
    this.model.clear();
    this.functions.forget();
  }

  get isQuiet(): boolean {
    return [this.stream, this.offlineStream, this.tasks, this.notes].every(({ isQuiet }) => isQuiet);
  }

  issueToken(userId: string): string {
    const lifetime = Math.ceil(this.tokenLifetimes.between(...this.faults.tokens));
    const claims = { sub: userId, exp: Math.floor(this.scheduler.now / 1_000) + lifetime };
    return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.e30`;
  }

  /** From when on it is taken no more. */
  endOf(token: string): number {
    return (claimsOf(token).exp + TOKEN_LEEWAY_SECONDS) * 1_000;
  }

  /** Its push service fails as often as the queues of the storm do, and may have taken it all the same. */
  private notifier(ctx: Context, random: Random): NotifierContext {
    const { scheduler } = this;
    const decidedAt = scheduler.now;
    const send = async (notification: Notification) => {
      const { error, lostResponse } = this.faults.tasks;
      await scheduler.wait(random.between(1, 20));
      if (random.next() < error) throw new Error('The push service is busy');
      this.notified.push({ notification, decidedAt });
      await scheduler.wait(random.between(1, 20));
      if (random.next() < lostResponse) throw new Error('The push service does not answer');
      return 'sent' as const;
    };
    return { ...ctx, providers: { get: () => ({ send }) }, report: async () => {} };
  }

  private takeBlow(body = '{}'): Blow | undefined {
    if (this.blows.size === 0) return undefined;
    const action = String((JSON.parse(body) as { action?: unknown }).action);
    const blow = this.blows.get(action);
    this.blows.delete(action);
    return blow;
  }

  private backend(): Backend {
    const { server } = this;
    const invoke: Functions['invoke'] = (...call) => this.functions.invoke(...call);
    return {
      authorize: (token) => {
        const { sub: userId, exp: expiresAt } = claimsOf(token);
        return expiresAt * 1_000 > this.scheduler.now ? { userId, expiresAt } : undefined;
      },
      findSuccessor: async (event) => {
        const ended = await invoke(ROUTE_TIMEOUT_MS, (ctx) => server.findSuccessor(ctx, event));
        return ended.outcome === 'answered' ? ended.answer : undefined;
      },
      connect: async (event) => {
        const ended = await invoke(ROUTE_TIMEOUT_MS, (ctx) => server.connect(ctx, event));
        return ended.outcome === 'answered';
      },
      disconnect: async (event) => {
        await invoke(ROUTE_TIMEOUT_MS, (ctx) => server.disconnect(ctx, event));
      },
      request: async (event) => {
        const blow = this.takeBlow(event.body);
        const ended = await invoke(ROUTE_TIMEOUT_MS, (ctx) => server.request(ctx, event), blow);
        return ended.outcome === 'answered' ? { outcome: 'answered', frame: ended.answer.body } : ended;
      },
    };
  }
}

function claimsOf(token: string): Claims {
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
}
