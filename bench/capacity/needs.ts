// What is needed, beside what there is: the quotas to ask for, the settings to change, and what no asking helps.
import { limits, stack } from './limits.ts';
import type { Report } from './model.ts';
import type { QueueNeed } from './queues.ts';

export interface Need {
  readonly limit: string;
  readonly needed: number;
  /** By default. */
  readonly available: number;
  readonly unit: string;
  /** What to ask AWS for, with a fifth to spare; absent: there is enough, or it cannot be had. */
  readonly askFor?: number;
  /** What to do, where it is not enough. */
  readonly remedy: string;
}

const SPARE = 1.2;

type Findings = Pick<
  Report,
  'inputs' | 'tables' | 'hottestKeys' | 'fanOut' | 'functions' | 'queues' | 'gateway'
>;

/** The tightest first. */
export function needsOf({
  inputs,
  tables,
  hottestKeys,
  fanOut,
  functions,
  queues,
  gateway,
}: Findings): readonly Need[] {
  const rate = (name: string) => functions.find((one) => one.name === name)?.invocationsPerSecond ?? 0;
  const concurrency = functions.reduce((sum, one) => sum + one.concurrency, 0);
  const routes = ['send', 'sync', 'reading'].reduce((most, name) => Math.max(most, rate(name)), 0);
  // fan-out and what queues invoke do not count as requests.
  const synchronous = ['authorize', 'connect', 'disconnect', 'send', 'sync', 'reading'];
  const requests = synchronous.reduce((sum, name) => sum + rate(name), 0);
  const needs: Need[] = [
    ...tables.flatMap(({ table, writeUnits, readUnits }) => [
      quota(`Write throughput of the table ${table}`, writeUnits, limits.tableWriteUnits),
      quota(`Read throughput of the table ${table}`, readUnits, limits.tableReadUnits),
    ]),
    ...hottestKeys.map(({ key, quantile }) => ({
      limit: `One item: ${key}`,
      needed: quantile,
      available: limits.partitionWriteUnits.value,
      unit: limits.partitionWriteUnits.unit,
      remedy: key.includes('mailbox')
        ? 'no quota helps: lower writeFanoutLimit, so that busy groups are looked at instead'
        : 'no quota helps: lower sendsPerSecond, or split the conversation in the app',
    })),
    quota('Concurrent executions of the account', concurrency, limits.lambdaConcurrency),
    quota(
      'Concurrent executions, at 10 requests a second each',
      requests / limits.lambdaRequestsPerConcurrency.value,
      limits.lambdaConcurrency,
    ),
    ...queues.flatMap(needsOfQueue),
    quota('Requests to API Gateway', gateway.requestsPerSecond, limits.gatewayRequests),
    quota('New connections', gateway.connectsPerSecond, limits.newConnections),
    {
      limit: 'Throttle of a route of this stack',
      needed: routes,
      available: stack.routeRequests,
      unit: 'requests/s',
      remedy: `-c throttle='{"rateLimit":${ask(routes)},"burstLimit":${ask(routes / 2)}}'`,
    },
    {
      limit: 'Throttle of $connect of this stack',
      needed: gateway.connectsPerSecond,
      available: stack.connectRequests,
      unit: 'handshakes/s',
      remedy: `-c routeThrottles='{"$connect":{"rateLimit":${ask(gateway.connectsPerSecond)},"burstLimit":${ask(gateway.connectsPerSecond)}}}'`,
    },
    {
      limit: 'fan-out of a shard, in full batches',
      needed: fanOut.shardLoad,
      available: 1,
      unit: 'of its time',
      remedy: `-c fanOutParallelization=${Math.min(limits.parallelization.value, Math.ceil(inputs.parallelization * fanOut.shardLoad * SPARE))} (or more partitions, by warm throughput)`,
    },
    {
      limit: 'fan-out of the hottest conversation, one batch after another',
      needed: fanOut.hottestKeyLoad,
      available: 1,
      unit: 'of its time',
      remedy: 'no parallelization helps: lower writeFanoutLimit or recipientsPerInvocation',
    },
    {
      limit: 'Records of a shard, read by polls',
      needed: inputs.messagesPerSecond / fanOut.shards,
      available: limits.pollsPerSecond.value * limits.recordsPerPoll.value,
      unit: 'records/s',
      remedy: 'more partitions, by warm throughput',
    },
  ];
  return needs.toSorted((left, right) => pressureOf(right) - pressureOf(left));
}

function needsOfQueue({ queue, batchesAtOnce, inFlight }: QueueNeed): readonly Need[] {
  const batches = { needed: batchesAtOnce, unit: limits.queueBatchesAtOnce.unit };
  return [
    quota(`Messages in flight of the queue ${queue}`, inFlight, limits.queueInFlight),
    queue === 'Notifications'
      ? {
          ...batches,
          limit: 'Batches of the queue Notifications at once, of this stack',
          available: stack.notifierConcurrency,
          remedy: notifierRemedy(batchesAtOnce),
        }
      : {
          ...batches,
          limit: `Batches of the queue ${queue} at once`,
          available: limits.queueBatchesAtOnce.value,
          remedy:
            'no quota helps: raise headsIntervalMs, so that members of large groups are told less often',
        },
  ];
}

function notifierRemedy(batchesAtOnce: number): string {
  const { value } = limits.queueMaximumConcurrency;
  const set = `-c notifierConcurrency=${Math.min(value, ask(batchesAtOnce))}`;
  return batchesAtOnce <= value
    ? set
    : `${set} is the most: raise notifyDelayMs, too, so that more is told at once`;
}

/** Above 1 it breaks; 0.5 would bear twice the load. */
export const pressureOf = ({ needed, available }: Need): number => needed / available;

function quota(
  limit: string,
  needed: number,
  { value, unit }: { readonly value: number; readonly unit: string },
): Need {
  const short = needed > value;
  return {
    limit,
    needed,
    available: value,
    unit,
    ...(short && { askFor: ask(needed) }),
    remedy: `ask AWS for ${ask(needed).toLocaleString('en-US')} ${unit} (Service Quotas)`,
  };
}

/** With a fifth to spare, in two figures. */
export function ask(needed: number): number {
  if (needed <= 0) return 1;
  const step = 10 ** Math.max(0, Math.floor(Math.log10(needed * SPARE)) - 1);
  return Math.ceil((needed * SPARE) / step) * step;
}
