// Delivers one batch of a queue's messages: what succeeded is deleted, what failed comes back by itself.
import { setTimeout as delay } from 'node:timers/promises';
import type { StreamFaults } from '../faults/faults.ts';
import type { Random } from '../faults/random.ts';
import type { EventSourceUsage } from '../metering.ts';
import type { InvocationResult, Invoke, QueueSourceModel } from '../model.ts';
import type { Queue, ReceivedMessage } from '../sqs/queue.ts';
import type { QueueRecord } from './queue-record.ts';

/** A message on its way to the function. */
export interface QueueDelivery {
  readonly message: ReceivedMessage;
  readonly record: QueueRecord;
  readonly fault: StreamFaults;
}

export interface QueueDeliveryOptions {
  readonly eventSource: QueueSourceModel;
  readonly queue: Pick<Queue, 'delete'>;
  readonly invoke: Invoke;
  readonly now: () => number;
  /** Jitter only: it decides when, not what. */
  readonly random: Random;
  readonly closing: AbortSignal;
  readonly count: (kind: keyof EventSourceUsage, count: number) => void;
}

const firstBackoffMs = 50;
const maximumBackoffMs = 10_000;

/** Resolves when nothing is left to be done with these; at once when the cloud closes: then they come again. */
export async function deliverMessages(
  options: QueueDeliveryOptions,
  batch: readonly QueueDelivery[],
): Promise<void> {
  const { closing, queue, count, eventSource } = options;
  const delayMs = batch[0]?.fault.delayMs ?? 0;
  if (delayMs > 0) await pause(delayMs, closing);
  if (closing.aborted) return;
  count('invoked', batch.length);
  const result = await invokeInTime(options, batch);
  const failed = failedIds(eventSource, batch, result);
  if (failed.size > 0) count('failedInvoke', failed.size);
  const done = batch.filter(({ message }) => !failed.has(message.messageId));
  for (const { message } of done) queue.delete(message);
  // At least once: SQS may keep a copy that it should have deleted.
  const repeated = done.filter(({ fault }) => fault.duplicate);
  if (repeated.length > 0 && !closing.aborted) await invokeOnce(options, repeated);
}

/** A function that is throttled is tried again for as long as the messages are hidden. */
async function invokeInTime(
  options: QueueDeliveryOptions,
  batch: readonly QueueDelivery[],
): Promise<InvocationResult> {
  const { random, closing, now } = options;
  const visibleAt = Math.min(...batch.map(({ message }) => message.visibleAt));
  for (let attempt = 0; ; attempt += 1) {
    const result = await invokeOnce(options, batch);
    const limitMs = Math.min(maximumBackoffMs, firstBackoffMs * 2 ** Math.min(attempt, 16));
    const waitMs = random.between(limitMs / 2, limitMs);
    if (result.outcome !== 'throttled' || closing.aborted || now() + waitMs >= visibleAt) return result;
    await pause(waitMs, closing);
  }
}

/** An invocation that could not be made at all counts as one that crashed. */
async function invokeOnce(
  { eventSource, invoke }: QueueDeliveryOptions,
  batch: readonly QueueDelivery[],
): Promise<InvocationResult> {
  try {
    return await invoke(eventSource.functionName, { Records: batch.map(({ record }) => record) });
  } catch (error) {
    return { outcome: 'crash', errorType: 'Runtime.Unknown', errorMessage: String(error) };
  }
}

/** Lambda developer guide, "Implementing partial batch responses", success and failure conditions. */
function failedIds(
  { reportBatchItemFailures }: QueueSourceModel,
  batch: readonly QueueDelivery[],
  result: InvocationResult,
): ReadonlySet<string> {
  const all = new Set(batch.map(({ message }) => message.messageId));
  if (result.outcome !== 'returned') return all;
  const answer = result.payload as { batchItemFailures?: unknown } | null | undefined;
  const failures = answer?.batchItemFailures ?? [];
  if (!reportBatchItemFailures) return new Set();
  if (!Array.isArray(failures)) return all;
  const ids = (failures as ({ itemIdentifier?: unknown } | null)[]).map((failure) => failure?.itemIdentifier);
  const areKnown = ids.every((id) => typeof id === 'string' && all.has(id));
  return areKnown ? new Set(ids as string[]) : all;
}

async function pause(durationMs: number, closing: AbortSignal): Promise<void> {
  await delay(durationMs, undefined, { signal: closing }).catch(() => undefined);
}
