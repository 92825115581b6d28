// The planner: from a load to what it needs of DynamoDB, Lambda, SQS and API Gateway, and what it costs. Pure: the same inputs
// give the same report, chance included.
import { createRandom } from '../../local/faults/random.ts';
import { tableDefinitions, type TableDefinition, type TableName } from '../../src/core/tables.ts';
import { prices } from '../prices.ts';
import { drawGroupSizes, quantileOf } from './chance.ts';
import { demandOf, functionNames, noWork, type Demand, type FunctionName, type Work } from './demand.ts';
import { hottestOf, type HotKey } from './hottest.ts';
import type { Inputs } from './inputs.ts';
import { limits, stack } from './limits.ts';
import { needsOf, type Need } from './needs.ts';
import { queueRequestsPerSecond, queuesOf, secondsToScale, type QueueNeed } from './queues.ts';
import { fanningOf, type Fanning } from './streams.ts';
import { add, directMessage, groupMessage, headsOfLargeGroup, times } from './traffic.ts';

export interface TableNeed {
  readonly table: TableName;
  /** A second, at the peak. */
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly gigabytes: number;
  readonly partitions: number;
  /** Of its stream; 0 without one. */
  readonly shards: number;
}

export interface FunctionNeed {
  readonly name: FunctionName;
  readonly invocationsPerSecond: number;
  readonly concurrency: number;
  /** From nothing, as fast as Lambda makes execution environments. */
  readonly secondsToScale: number;
}

export interface BillLine {
  readonly item: string;
  readonly usdPerMonth: number;
}

export interface Report {
  readonly inputs: Inputs;
  readonly groups: { readonly meanMembers: number; readonly p99Members: number; readonly largeShare: number };
  readonly tables: readonly TableNeed[];
  readonly hottestKeys: readonly HotKey[];
  readonly fanOut: Fanning;
  readonly functions: readonly FunctionNeed[];
  readonly queues: readonly QueueNeed[];
  readonly gateway: {
    readonly connections: number;
    readonly connectsPerSecond: number;
    readonly framesInPerSecond: number;
    readonly answersPerSecond: number;
    readonly pushesPerSecond: number;
    readonly requestsPerSecond: number;
  };
  readonly needs: readonly Need[];
  readonly bill: { readonly lines: readonly BillLine[]; readonly usdPerMonth: number };
}

const SECONDS_A_MONTH = 30 * 86_400;
const BYTES_A_GIGABYTE = 1024 ** 3;
/** Every item takes so much more than its attributes; a mailbox page holds 16 entries in a kilobyte, for 30 days. */
const ITEM_OVERHEAD_BYTES = 100;
const ENTRY_BYTES = 64;
const MAILBOX_RETENTION_SECONDS = 30 * 86_400;
/** Heads: about a kilobyte for each conversation, and each user. Members, and each user's view of a conversation: less. */
const STATE_BYTES = 1_024;
const MEMBER_BYTES = 512;
const VIEW_BYTES = 256;
/** A new table on demand has so many: 4,000 write units a second. */
const FEWEST_PARTITIONS = 4;

export function capacityOf(inputs: Inputs): Report {
  const sizes = drawGroupSizes(inputs, createRandom(inputs.seed, 'groups'));
  const meanMembers = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const work = workOfSecond(inputs, sizes, inputs.messagesPerSecond);
  const meanWork = workOfSecond(
    { ...inputs, reconnectMinutes: 0 },
    sizes,
    inputs.messagesPerSecond / inputs.peakToMean,
  );
  const hottest = hottestOf(inputs, work.mailboxEntries);
  const tables = tablesOf(inputs, demandOf(work), meanWork, meanMembers);
  const shards = tables.find(({ table }) => table === 'Messages')!.shards;
  const written = sizes.filter((size) => size <= inputs.writeFanoutLimit);
  const fanning = (messagesPerSecond: number) =>
    fanningOf(inputs, {
      messagesPerSecond,
      shards,
      recipients: messagesPerSecond > 0 ? work.mailboxUpdates / inputs.messagesPerSecond : 0,
      hottest,
      hottestGroupMembers: quantileOf(written, inputs.quantile),
    });
  const fanOut = fanning(inputs.messagesPerSecond);
  const demand = demandOf({ ...work, batches: fanOut.batchesPerSecond });
  const meanFanOut = fanning(inputs.messagesPerSecond / inputs.peakToMean);
  const functions = functionsOf(inputs, demand, fanOut);
  const queues = queuesOf(demand, (name) => functions.find((one) => one.name === name)!.concurrency);
  const gateway = {
    connections: inputs.online * inputs.devices,
    connectsPerSecond: work.connects,
    framesInPerSecond: demand.framesIn,
    answersPerSecond: demand.answers,
    pushesPerSecond: demand.pushes,
    // An answer goes back on the request that it answers.
    requestsPerSecond: demand.framesIn + demand.pushes + work.connects,
  };
  const hottestKeys = [hottest.directHead, hottest.groupHead, hottest.mailbox];
  return {
    inputs,
    groups: {
      meanMembers,
      p99Members: quantileOf(sizes, 0.99),
      largeShare: 1 - written.length / sizes.length,
    },
    tables,
    hottestKeys,
    fanOut,
    functions,
    queues,
    gateway,
    needs: needsOf({ inputs, tables, hottestKeys, fanOut, functions, queues, gateway }),
    bill: billOf(inputs, demandOf({ ...meanWork, batches: meanFanOut.batchesPerSecond }), tables, meanFanOut),
  };
}

function countBySize(sizes: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  return counts;
}

/** Batches apart, which depend on the shards. */
function workOfSecond(inputs: Inputs, sizes: readonly number[], messagesPerSecond: number): Work {
  const { groupShare, groups, writeFanoutLimit, headsIntervalSeconds } = inputs;
  const connections = inputs.online * inputs.devices;
  const turnover = connections / (Math.min(inputs.connectionMinutes, limits.connectionMinutes.value) * 60);
  const returning = inputs.reconnectMinutes > 0 ? connections / (inputs.reconnectMinutes * 60) : 0;
  const connects = Math.max(turnover, returning);
  const counts = countBySize(sizes);
  const mean = (of: (size: number) => Work, least = 0) =>
    add(
      ...[...counts].map(([size, count]) => (size > least ? times(of(size), count / sizes.length) : noWork)),
    );
  const perGroup = (messagesPerSecond * groupShare) / Math.max(1, groups);
  // A large group's members are told once in an interval at most, and not of nothing.
  const tellings = groups * Math.min(perGroup, 1 / headsIntervalSeconds);
  return add(
    times(directMessage(inputs), messagesPerSecond * (1 - groupShare)),
    times(
      mean((size) => groupMessage(inputs, size)),
      messagesPerSecond * groupShare,
    ),
    times(
      mean((size) => headsOfLargeGroup(inputs, size), writeFanoutLimit),
      tellings,
    ),
    { ...noWork, heartbeats: connections / inputs.heartbeatSeconds, connects, disconnects: turnover },
  );
}

function tablesOf(inputs: Inputs, peak: Demand, mean: Work, meanMembers: number): readonly TableNeed[] {
  const memberships = inputs.groups * meanMembers;
  const sent = mean.directSends + mean.groupSends;
  const bytes: Readonly<Record<TableName, number>> = {
    Messages: sent * inputs.retentionDays * 86_400 * (inputs.messageBytes + ITEM_OVERHEAD_BYTES),
    Users:
      inputs.users * STATE_BYTES +
      (2 * inputs.conversations + memberships) * VIEW_BYTES +
      mean.mailboxEntries * MAILBOX_RETENTION_SECONDS * ENTRY_BYTES,
    Conversations: (inputs.conversations + inputs.groups) * STATE_BYTES + memberships * MEMBER_BYTES,
    OfflineQueue: inputs.users * inputs.devices * STATE_BYTES,
  };
  return (Object.keys(tableDefinitions) as TableName[]).map((table) => {
    const definition: TableDefinition = tableDefinitions[table];
    const { write, read } = peak.tables[table];
    const gigabytes = bytes[table] / BYTES_A_GIGABYTE;
    const partitions = Math.max(
      FEWEST_PARTITIONS,
      Math.ceil(write / limits.partitionWriteUnits.value + read / limits.partitionReadUnits.value),
      Math.ceil(gigabytes / limits.partitionGigabytes.value),
    );
    const shards = definition.stream ? partitions : 0;
    return { table, writeUnits: write, readUnits: read, gigabytes, partitions, shards };
  });
}

function functionsOf(inputs: Inputs, demand: Demand, fanOut: Fanning): readonly FunctionNeed[] {
  return functionNames.map((name) => {
    const invocationsPerSecond = demand.invocations[name];
    const concurrency =
      name === 'fan-out' ? fanOut.concurrency : (invocationsPerSecond * msOf(inputs, name, demand)) / 1_000;
    return { name, invocationsPerSecond, concurrency, secondsToScale: secondsToScale(name, concurrency) };
  });
}

function msOf(inputs: Inputs, name: FunctionName, { queues, watchNotes }: Demand): number {
  if (name === 'send') return inputs.sendMs;
  if (name === 'group-tasks') return inputs.fanOutMs + inputs.recipientsPerInvocation * inputs.recipientMs;
  if (name === 'notify') {
    // Of one note: what a full batch takes, by its notes. Who is only looked at takes no push service.
    const watched = watchNotes / Math.max(queues.Notifications, Number.MIN_VALUE);
    return (watched * inputs.requestMs + (1 - watched) * inputs.notifyMs) / stack.notesABatch;
  }
  return inputs.requestMs;
}

function billOf(inputs: Inputs, mean: Demand, tables: readonly TableNeed[], fanOut: Fanning): Report['bill'] {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const functions = functionsOf(inputs, mean, fanOut);
  const messages = mean.framesIn + mean.answers + mean.pushes;
  const usd = (perSecond: number, price: number) => perSecond * SECONDS_A_MONTH * price;
  const lines: BillLine[] = [
    { item: 'Gateway messages', usdPerMonth: usd(messages, prices.gatewayMessage.usd) },
    {
      item: 'Connection minutes',
      usdPerMonth: usd((inputs.online * inputs.devices) / 60, prices.connectionMinute.usd),
    },
    {
      item: 'DynamoDB write units',
      usdPerMonth: usd(sum(Object.values(mean.tables).map(({ write }) => write)), prices.writeUnit.usd),
    },
    {
      item: 'DynamoDB read units',
      usdPerMonth: usd(sum(Object.values(mean.tables).map(({ read }) => read)), prices.readUnit.usd),
    },
    {
      item: 'DynamoDB storage',
      usdPerMonth: sum(tables.map(({ gigabytes }) => gigabytes)) * prices.storedGigabyteMonth.usd,
    },
    {
      item: 'Lambda invocations',
      usdPerMonth: usd(sum(Object.values(mean.invocations)), prices.invocation.usd),
    },
    {
      item: 'Lambda GB-seconds',
      usdPerMonth: usd(
        sum(functions.map(({ concurrency }) => concurrency)) * stack.memoryGigabytes,
        prices.gigabyteSecond.usd,
      ),
    },
    { item: 'SQS requests', usdPerMonth: usd(queueRequestsPerSecond(mean), prices.queueRequest.usd) },
  ];
  return { lines, usdPerMonth: sum(lines.map(({ usdPerMonth }) => usdPerMonth)) };
}
