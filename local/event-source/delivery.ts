// Delivers one batch to its function: retries, bisection, partial failures, expiry and the on-failure destination.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { judge } from './verdict.ts';
import type { Delivery } from './lane.ts';
import type { Log } from '../log.ts';
import type { EventSourceUsage } from '../metering.ts';
import type { EventSourceModel, InvocationResult, Invoke } from '../model.ts';
import type { Random } from '../faults/random.ts';

export interface BatchDeliveryOptions {
  readonly eventSource: EventSourceModel;
  readonly functionArn: string;
  readonly streamArn: string;
  readonly invoke: Invoke;
  readonly log: Log;
  readonly now: () => number;
  /** Jitter only: it decides when, not what. */
  readonly random: Random;
  readonly closing: AbortSignal;
  readonly sendToDestination: (arn: string, body: string) => Promise<void>;
  readonly count: (kind: keyof EventSourceUsage, count: number) => void;
}

/** Records that are tried together. */
interface Piece {
  readonly deliveries: readonly Delivery[];
  readonly failures: number;
  readonly invocations: number;
}

type Condition = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

/** Streams keep records for a day, whatever the mapping says. */
const retentionMs = 24 * 3_600_000;
const firstBackoffMs = 50;
const maximumBackoffMs = 10_000;

/** Resolves when every record is delivered or given up, or at once when the cloud closes: then the rest is not done. */
export async function deliverBatch(options: BatchDeliveryOptions, batch: readonly Delivery[]): Promise<void> {
  const { closing } = options;
  const delayMs = batch[0]?.fault.delayMs ?? 0;
  if (delayMs > 0) await pause(delayMs, closing);
  const pieces: Piece[] = [{ deliveries: batch, failures: 0, invocations: 0 }];
  for (let piece = pieces.shift(); piece && !closing.aborted; piece = pieces.shift()) {
    pieces.unshift(...(await deliverPiece(options, piece)));
  }
  const repeated = batch.filter(({ fault }) => fault.duplicate);
  if (repeated.length > 0 && !closing.aborted) await invocationOf(options, repeated);
}

/** @returns what is left to be tried, in order. */
async function deliverPiece(options: BatchDeliveryOptions, whole: Piece): Promise<Piece[]> {
  const { eventSource } = options;
  const piece = await giveUpExpired(options, whole);
  if (piece.deliveries.length === 0) return [];
  options.count('invoked', piece.deliveries.length);
  const result = await invocationOf(options, piece.deliveries);
  const records = piece.deliveries.map(({ record }) => record);
  const verdict = judge(eventSource, records, result);
  if (verdict.kind === 'succeeded') {
    finish(piece.deliveries);
    return [];
  }
  options.count('failedInvoke', piece.deliveries.length);
  const tried = { ...piece, invocations: piece.invocations + 1 };
  if (verdict.kind === 'throttled') {
    // The function never ran: this does not count as an attempt, only age ends it.
    await backOff(options, tried.invocations);
    return [tried];
  }
  if (verdict.kind === 'failedFrom') {
    finish(tried.deliveries.slice(0, verdict.index));
    return retryFrom(options, tried, verdict.index);
  }
  if (eventSource.bisectOnError && tried.deliveries.length > 1) return halves(tried);
  return retry(options, tried, verdict.functionError);
}

/** With bisection the split is at the record that was named; a split does not use up a retry. */
async function retryFrom(options: BatchDeliveryOptions, piece: Piece, index: number): Promise<Piece[]> {
  const rest = { ...piece, deliveries: piece.deliveries.slice(index) };
  return options.eventSource.bisectOnError && index > 0 ? [rest] : retry(options, rest, undefined);
}

async function retry(
  options: BatchDeliveryOptions,
  piece: Piece,
  functionError: string | undefined,
): Promise<Piece[]> {
  const { maximumRetryAttempts } = options.eventSource;
  const failed = { ...piece, failures: piece.failures + 1 };
  if (maximumRetryAttempts >= 0 && failed.failures > maximumRetryAttempts) {
    await giveUp(options, failed, 'RetryAttemptsExhausted', functionError);
    return [];
  }
  await backOff(options, failed.failures);
  return [failed];
}

function halves(piece: Piece): Piece[] {
  const middle = Math.ceil(piece.deliveries.length / 2);
  return [
    { ...piece, deliveries: piece.deliveries.slice(0, middle) },
    { ...piece, deliveries: piece.deliveries.slice(middle) },
  ];
}

/** Records are in order of age: the expired ones are the first. */
async function giveUpExpired(options: BatchDeliveryOptions, piece: Piece): Promise<Piece> {
  const { maximumRecordAgeMs } = options.eventSource;
  const limitMs = maximumRecordAgeMs < 0 ? retentionMs : Math.min(maximumRecordAgeMs, retentionMs);
  const oldest = options.now() - limitMs;
  const fresh = piece.deliveries.findIndex(({ createdAt }) => createdAt >= oldest);
  const expired = fresh === -1 ? piece.deliveries : piece.deliveries.slice(0, fresh);
  if (expired.length > 0)
    await giveUp(options, { ...piece, deliveries: expired }, 'RecordAgeExceeded', undefined);
  return { ...piece, deliveries: piece.deliveries.slice(expired.length) };
}

async function giveUp(
  options: BatchDeliveryOptions,
  piece: Piece,
  condition: Condition,
  functionError: string | undefined,
): Promise<void> {
  const { eventSource, log, sendToDestination, count } = options;
  const records = piece.deliveries.length;
  log.warn(eventSource.functionName, `gave up ${records} stream record(s): ${condition}`);
  if (eventSource.onFailureArn === undefined) {
    count('dropped', records);
  } else {
    const metadata = failureMetadata(options, piece, condition, functionError);
    try {
      await sendToDestination(eventSource.onFailureArn, JSON.stringify(metadata));
      count('onFailureDestinationDelivered', records);
    } catch (error) {
      log.error(eventSource.functionName, `on-failure destination: ${String(error)}`);
      count('dropped', records);
    }
  }
  finish(piece.deliveries);
}

/** Metadata, not records: whoever gets it reads the range again from the stream, within a day. */
function failureMetadata(
  { functionArn, streamArn, now }: BatchDeliveryOptions,
  { deliveries, invocations }: Piece,
  condition: Condition,
  functionError: string | undefined,
): object {
  const first = deliveries[0]!;
  const last = deliveries.at(-1)!;
  const response = {
    statusCode: 200,
    executedVersion: '$LATEST',
    ...(functionError !== undefined && { functionError }),
  };
  return {
    requestContext: { requestId: randomUUID(), functionArn, condition, approximateInvokeCount: invocations },
    ...(invocations > 0 && { responseContext: response }),
    version: '1.0',
    timestamp: new Date(now()).toISOString(),
    DDBStreamBatchInfo: {
      shardId: first.shardId,
      startSequenceNumber: first.record.dynamodb.SequenceNumber,
      endSequenceNumber: last.record.dynamodb.SequenceNumber,
      approximateArrivalOfFirstRecord: wholeSeconds(first.createdAt),
      approximateArrivalOfLastRecord: wholeSeconds(last.createdAt),
      batchSize: deliveries.length,
      streamArn,
    },
  };
}

function wholeSeconds(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** An invocation that could not be made at all counts as one that crashed: its records are tried again. */
async function invocationOf(
  { eventSource, invoke }: BatchDeliveryOptions,
  deliveries: readonly Delivery[],
): Promise<InvocationResult> {
  try {
    return await invoke(eventSource.functionName, { Records: deliveries.map(({ record }) => record) });
  } catch (error) {
    return { outcome: 'crash', errorType: 'Runtime.Unknown', errorMessage: String(error) };
  }
}

function finish(deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) delivery.done();
}

/** Exponential with full jitter. */
async function backOff({ random, closing }: BatchDeliveryOptions, attempt: number): Promise<void> {
  const limitMs = Math.min(maximumBackoffMs, firstBackoffMs * 2 ** Math.min(attempt - 1, 16));
  await pause(random.between(limitMs / 2, limitMs), closing);
}

async function pause(durationMs: number, closing: AbortSignal): Promise<void> {
  await delay(durationMs, undefined, { signal: closing }).catch(() => undefined);
}
