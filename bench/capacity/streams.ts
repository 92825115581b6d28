// The stream of Messages: shards, batches, and how far fan-out lags behind. The records of one key are dealt with one batch
// after another, so that more shards or more batches at once do not help a conversation that is too busy for one of them.
import type { Hottest } from './hottest.ts';
import type { Inputs } from './inputs.ts';
import { limits, stack } from './limits.ts';

export interface Fanning {
  readonly shards: number;
  /** Messages of a batch, mean; batches a second; invocations that run at once. */
  readonly batch: number;
  readonly batchesPerSecond: number;
  readonly concurrency: number;
  /** Of what full batches could carry, from 0 on: of any shard, of that with the hottest conversation, of that conversation. */
  readonly shardLoad: number;
  readonly hottestShardLoad: number;
  readonly hottestKeyLoad: number;
  /** From a message stored to its batch done, mean: at any shard, and at the hottest one. Infinity: it falls behind. */
  readonly lagMs: number;
  readonly hottestLagMs: number;
  /** By how much the hottest shard falls behind in an hour of the peak. */
  readonly hottestLagSecondsPerHour: number;
}

export interface Stream {
  readonly messagesPerSecond: number;
  readonly shards: number;
  /** Mailboxes that a message is written to by the batch itself, mean. */
  readonly recipients: number;
  readonly hottest: Hottest;
  readonly hottestGroupMembers: number;
}

export function fanningOf(inputs: Inputs, stream: Stream): Fanning {
  const { fanOutMs, recipientMs, parallelization, recipientsPerInvocation } = inputs;
  const { shards, recipients, hottest, messagesPerSecond } = stream;
  const perShard = messagesPerSecond / shards;
  const perWorker = perShard / parallelization;
  const full = stack.batchRecords;
  const batchMs = (batch: number) => fanOutMs + batch * recipients * recipientMs;
  // What a poll finds, where it finds something; more come together while a batch is at work, which is not counted on.
  const found = perWorker / limits.pollsPerSecond.value;
  const batch = Math.min(full, found > 1e-9 ? found / -Math.expm1(-found) : 1);
  const batchesPerSecond = messagesPerSecond / batch;
  const loadOf = (rate: number, ms: number) => (rate * ms) / 1_000 / full;
  const shardLoad = loadOf(perWorker, batchMs(full));
  // A batch writes to each of the group's members once, however many of its messages it holds.
  const groupMs = fanOutMs + Math.min(stream.hottestGroupMembers, recipientsPerInvocation) * recipientMs;
  const directMs = fanOutMs + 2 * recipientMs;
  const hottestKeyLoad = Math.max(
    loadOf(hottest.groupMessages, groupMs),
    loadOf(hottest.directMessages, directMs),
  );
  const hottestShardLoad = Math.max(hottestKeyLoad, shardLoad + hottestKeyLoad / parallelization);
  const lagOf = (load: number) => {
    if (load >= 1) return Infinity;
    // Half a poll, the batch that is at work (one server, even service times), and one's own.
    return 500 / limits.pollsPerSecond.value + (1 + load / (2 * (1 - load))) * batchMs(batch);
  };
  return {
    shards,
    batch,
    batchesPerSecond,
    concurrency: Math.min(shards * parallelization, (batchesPerSecond * batchMs(batch)) / 1_000),
    shardLoad,
    hottestShardLoad,
    hottestKeyLoad,
    lagMs: lagOf(shardLoad),
    hottestLagMs: lagOf(hottestShardLoad),
    hottestLagSecondsPerHour: hottestShardLoad > 1 ? 3_600 * (1 - 1 / hottestShardLoad) : 0,
  };
}
