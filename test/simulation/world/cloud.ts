// A cloud of one process: gateway, functions, store and stream under one scheduler.
import { createRandom, type Random } from '../../../local/faults/random.ts';
import { tableDefinitions } from '../../../src/core/tables.ts';
import { ModelDynamoDb } from '../dynamodb/model.ts';
import { calm, type WorldFaults } from './faults.ts';
import { Functions, ROUTE_TIMEOUT_MS, STREAM_TIMEOUT_MS } from './functions.ts';
import { Gateway, type Backend } from './gateway.ts';
import { Scheduler } from './scheduler.ts';
import type { Server } from './server.ts';
import { Stream } from './stream.ts';
import { TaskQueue } from './task-queue.ts';

export interface WorldCloudOptions {
  readonly seed: number;
  readonly server: Server;
  readonly settings: object;
}

interface Claims {
  readonly sub: string;
  readonly exp: number;
}

const START = Date.parse('2026-11-25T12:00:00Z');

export class WorldCloud {
  readonly url = 'ws://cloud.example/dev';
  readonly scheduler: Scheduler;
  readonly gateway: Gateway;
  readonly model: ModelDynamoDb;
  private readonly stream: Stream;
  private readonly tasks: TaskQueue;
  private readonly functions: Functions;
  private readonly server: Server;
  private readonly tokenLifetimes: Random;
  private faults: WorldFaults = calm;

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
      onWrite: () => this.stream.poll(),
      connectionsFor: (life) => this.gateway.connectionsFor(life),
      tasksFor: (life) => this.tasks.tasksFor(life),
    });
    this.tasks = new TaskQueue({
      scheduler,
      faults,
      random: randomOf('tasks'),
      carryOut: (task) => this.functions.invoke(STREAM_TIMEOUT_MS, (ctx) => server.task(ctx, task)),
    });
    this.gateway = new Gateway({ scheduler, faults, random: randomOf('gateway'), backend: this.backend() });
    this.stream = new Stream({
      model,
      scheduler,
      faults,
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

  get isQuiet(): boolean {
    return this.stream.isQuiet && this.tasks.isQuiet;
  }

  issueToken(userId: string): string {
    const lifetime = Math.ceil(this.tokenLifetimes.between(...this.faults.tokens));
    const claims = { sub: userId, exp: Math.floor(this.scheduler.now / 1_000) + lifetime };
    return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.e30`;
  }

  private backend(): Backend {
    const { server } = this;
    const invoke: Functions['invoke'] = (timeoutMs, run) => this.functions.invoke(timeoutMs, run);
    return {
      authorize: (token) => {
        const [, payload = ''] = token.split('.');
        const { sub: userId, exp: expiresAt } = JSON.parse(
          Buffer.from(payload, 'base64url').toString(),
        ) as Claims;
        return expiresAt * 1_000 > this.scheduler.now ? { userId, expiresAt: expiresAt } : undefined;
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
        const ended = await invoke(ROUTE_TIMEOUT_MS, (ctx) => server.request(ctx, event));
        return ended.outcome === 'answered' ? { outcome: 'answered', frame: ended.answer.body } : ended;
      },
    };
  }
}
