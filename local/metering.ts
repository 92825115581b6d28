// Counts what AWS would bill: DynamoDB request units, invocations, messages and connection minutes.
import type { InvocationResult } from './model.ts';

/** API Gateway meters messages in steps of this size, both ways. */
const messageUnitBytes = 32 * 1024;
const minuteMs = 60_000;

export interface DynamoDbUsage {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

export interface LambdaUsage {
  invocations: number;
  coldStarts: number;
  errors: number;
  timeouts: number;
  /** Requests that were refused for want of concurrency: neither invocations nor errors. */
  throttles: number;
  durationMs: number;
}

export interface GatewayUsage {
  /** Open now; survives a reset. */
  connections: number;
  messagesIn: number;
  messagesOut: number;
  /** Posts that found no connection (410). */
  gone: number;
  /** Messages in steps of 32 KB, as they are billed. */
  messageUnitsIn: number;
  messageUnitsOut: number;
  /** Minutes that connections were open since the last reset, open ones included. */
  connectionMinutes: number;
}

/** The event counts of an event source mapping, as CloudWatch names them. */
export interface EventSourceUsage {
  polled: number;
  filteredOut: number;
  invoked: number;
  failedInvoke: number;
  onFailureDestinationDelivered: number;
  dropped: number;
}

export interface QueueUsage {
  sent: number;
  received: number;
  deleted: number;
  /** Moved to the dead letter queue. */
  deadLettered: number;
}

export interface MeteringSnapshot {
  dynamodb: DynamoDbUsage & {
    byFunction: Record<string, DynamoDbUsage>;
    byTable: Record<string, DynamoDbUsage>;
  };
  lambda: Record<string, LambdaUsage>;
  gateway: GatewayUsage;
  /** By EventSourceModel.id. */
  eventSources: Record<string, EventSourceUsage>;
  sqs: {
    /** By QueueModel.name. `waiting` are in the queue now: visible, delayed or at work; survives a reset. */
    queues: Record<string, QueueUsage & { waiting: number }>;
  };
}

export interface RequestUnits {
  readonly readUnits: number;
  readonly writeUnits: number;
}

export interface MeteredRequest {
  /** FunctionModel.name of the caller. */
  readonly functionName: string;
  /** Units by TableModel.name: one request may touch several tables. */
  readonly tables: ReadonlyMap<string, RequestUnits>;
}

export interface MeteredInvocation {
  readonly durationMs: number;
  readonly coldStart: boolean;
  readonly outcome: InvocationResult['outcome'];
}

export class Metering {
  private readonly now: () => number;
  private readonly openSince = new Map<string, number>();
  private total = noDynamoDbUsage();
  private byFunction = new Map<string, DynamoDbUsage>();
  private byTable = new Map<string, DynamoDbUsage>();
  private lambda = new Map<string, LambdaUsage>();
  private gateway = noGatewayUsage();
  private eventSources = new Map<string, EventSourceUsage>();
  private queues = new Map<string, QueueUsage>();
  private readonly waiting = new Map<string, number>();
  private closedMs = 0;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  recordRequest({ functionName, tables }: MeteredRequest): void {
    const units = { readUnits: 0, writeUnits: 0 };
    for (const [tableName, used] of tables) {
      units.readUnits += used.readUnits;
      units.writeUnits += used.writeUnits;
      addRequest(entry(this.byTable, tableName, noDynamoDbUsage), used);
    }
    addRequest(entry(this.byFunction, functionName, noDynamoDbUsage), units);
    addRequest(this.total, units);
  }

  recordInvocation(functionName: string, { durationMs, coldStart, outcome }: MeteredInvocation): void {
    const usage = entry(this.lambda, functionName, noLambdaUsage);
    if (outcome === 'throttled') {
      usage.throttles += 1;
      return;
    }
    usage.invocations += 1;
    usage.durationMs += durationMs;
    if (coldStart) usage.coldStarts += 1;
    if (outcome === 'timeout') usage.timeouts += 1;
    else if (outcome !== 'returned') usage.errors += 1;
  }

  recordEvents(eventSourceId: string, kind: keyof EventSourceUsage, count: number): void {
    entry(this.eventSources, eventSourceId, noEventSourceUsage)[kind] += count;
  }

  recordQueue(queueName: string, kind: keyof QueueUsage): void {
    entry(this.queues, queueName, noQueueUsage)[kind] += 1;
  }

  recordWaiting(queueName: string, messages: number): void {
    this.waiting.set(queueName, messages);
  }

  recordMessageIn(sizeBytes: number): void {
    this.gateway.messagesIn += 1;
    this.gateway.messageUnitsIn += messageUnits(sizeBytes);
  }

  recordMessageOut(sizeBytes: number): void {
    this.gateway.messagesOut += 1;
    this.gateway.messageUnitsOut += messageUnits(sizeBytes);
  }

  recordGone(): void {
    this.gateway.gone += 1;
  }

  recordConnectionOpened(connectionId: string): void {
    this.openSince.set(connectionId, this.now());
  }

  recordConnectionClosed(connectionId: string): void {
    const since = this.openSince.get(connectionId);
    if (since === undefined) return;
    this.openSince.delete(connectionId);
    this.closedMs += this.now() - since;
  }

  snapshot(): MeteringSnapshot {
    return {
      dynamodb: {
        ...this.total,
        byFunction: copyOf(this.byFunction),
        byTable: copyOf(this.byTable),
      },
      lambda: copyOf(this.lambda),
      gateway: {
        ...this.gateway,
        connections: this.openSince.size,
        connectionMinutes: this.connectionMs() / minuteMs,
      },
      eventSources: copyOf(this.eventSources),
      sqs: {
        queues: Object.fromEntries(
          [...this.waiting].map(([name, waiting]) => [
            name,
            { ...(this.queues.get(name) ?? noQueueUsage()), waiting },
          ]),
        ),
      },
    };
  }

  /** Starts again from zero. Connections stay open: from now on they are counted from now on. */
  reset(): void {
    this.total = noDynamoDbUsage();
    this.byFunction = new Map();
    this.byTable = new Map();
    this.lambda = new Map();
    this.gateway = noGatewayUsage();
    this.eventSources = new Map();
    this.queues = new Map();
    this.closedMs = 0;
    const now = this.now();
    for (const connectionId of this.openSince.keys()) this.openSince.set(connectionId, now);
  }

  private connectionMs(): number {
    const now = this.now();
    let openMs = this.closedMs;
    for (const since of this.openSince.values()) openMs += now - since;
    return openMs;
  }
}

/** An empty message is billed as one. */
function messageUnits(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / messageUnitBytes));
}

function addRequest(usage: DynamoDbUsage, units: RequestUnits): void {
  usage.requests += 1;
  usage.readUnits += units.readUnits;
  usage.writeUnits += units.writeUnits;
}

function entry<T>(map: Map<string, T>, key: string, create: () => T): T {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}

function copyOf<T extends object>(map: ReadonlyMap<string, T>): Record<string, T> {
  return Object.fromEntries([...map].map(([key, value]) => [key, { ...value }]));
}

const noDynamoDbUsage = (): DynamoDbUsage => ({ requests: 0, readUnits: 0, writeUnits: 0 });

const noLambdaUsage = (): LambdaUsage => ({
  invocations: 0,
  coldStarts: 0,
  errors: 0,
  timeouts: 0,
  throttles: 0,
  durationMs: 0,
});

const noGatewayUsage = (): Omit<GatewayUsage, 'connections' | 'connectionMinutes'> => ({
  messagesIn: 0,
  messagesOut: 0,
  gone: 0,
  messageUnitsIn: 0,
  messageUnitsOut: 0,
});

const noEventSourceUsage = (): EventSourceUsage => ({
  polled: 0,
  filteredOut: 0,
  invoked: 0,
  failedInvoke: 0,
  onFailureDestinationDelivered: 0,
  dropped: 0,
});

const noQueueUsage = (): QueueUsage => ({ sent: 0, received: 0, deleted: 0, deadLettered: 0 });
