// DynamoDB as a function sees it: its answers take their time, fail, get lost, or come when nobody is there any more. What
// the SDK repeats is repeated.
import type { DynamoDBClient, KeysAndAttributes } from '@aws-sdk/client-dynamodb';
import {
  BatchGetItemCommand,
  GetItemCommand,
  QueryCommand,
  InternalServerError,
  ProvisionedThroughputExceededException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import type { Random } from '../../../local/faults/random.ts';
import type { ModelDynamoDb } from '../dynamodb/model.ts';
import type { Blow } from '../stage.ts';
import type { WorldFaults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';

/** As the functions set it (src/runtime/clients.ts). */
const MAX_ATTEMPTS = 4;
const TRY_TIMEOUT_MS = 3_000;
const RETRY_MS = 50;
/** So late may be carried out what nobody waits for any more. */
const LATEST_MS = 9_000;

/** Ends with its function: then no answer ever comes. */
export interface Life {
  over: boolean;
  /** Requests until it dies; Infinity = it does not. */
  requestsLeft: number;
  /** Requests that write until it is struck. */
  writesLeft: number;
  readonly blow: Blow['kind'] | undefined;
}

export interface StoreOptions {
  readonly model: ModelDynamoDb;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: () => WorldFaults;
  /** Something may have been written. */
  readonly onWrite: () => void;
}

const isRead = (command: Command) =>
  command instanceof GetItemCommand ||
  command instanceof BatchGetItemCommand ||
  command instanceof QueryCommand;

type Command = Parameters<ModelDynamoDb['execute']>[0];

/** A client for one execution of a function. */
export function storeClient(
  { model, scheduler, random, faults, onWrite }: StoreOptions,
  life: Life,
): DynamoDBClient {
  const latency = () => random.between(...faults().dynamodb.latencyMs);
  const attempt = (command: Command): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { dynamodb } = faults();
      const hear = (delayMs: number, settle: () => void) =>
        scheduler.after(delayMs, () => {
          if (!life.over) settle();
        });
      const isStruck = !isRead(command) && --life.writesLeft === -1;
      if (--life.requestsLeft < 0 || (isStruck && life.blow === 'death')) {
        life.over = true;
        // It may be carried out all the same.
        if (random.next() < 0.5) return;
      }
      const hangs = random.next() < dynamodb.hang || isStruck;
      if (hangs) hear(TRY_TIMEOUT_MS, () => reject(timeoutError()));
      scheduler.after(hangs ? random.between(0, LATEST_MS) : latency(), () => {
        const fault = drawFault(random, dynamodb, command);
        if (fault) {
          hear(latency(), () => reject(fault));
          return;
        }
        const lost = random.next() < dynamodb.lostResponse;
        try {
          const output = execute(model, command, random, dynamodb.unprocessed);
          onWrite();
          hear(latency(), () => (lost ? reject(networkError()) : resolve(output)));
        } catch (error) {
          hear(latency(), () => reject(lost ? networkError() : (error as Error)));
        }
      });
    });
  const send = async (command: Command): Promise<unknown> => {
    withToken(command, random);
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(command);
      } catch (error) {
        if (tries === MAX_ATTEMPTS || !isRetried(error)) throw error;
        await new Promise<void>((resolve) => scheduler.after(random.between(0, RETRY_MS * tries), resolve));
      }
    }
  };
  return { send } as unknown as DynamoDBClient;
}

/** Of a BatchGet, some keys may be left for another request: never all of them, for that would be a throttle. */
function execute(model: ModelDynamoDb, command: Command, random: Random, unprocessed: number): unknown {
  if (!(command instanceof BatchGetItemCommand)) return model.execute(command);
  const tables = Object.entries(command.input.RequestItems ?? {});
  const [first] = tables.flatMap(([, { Keys = [] }]) => Keys);
  const kept: Record<string, KeysAndAttributes> = {};
  const left: Record<string, KeysAndAttributes> = {};
  for (const [table, request] of tables) {
    const { Keys = [] } = request;
    const later = Keys.filter((key) => key !== first && random.next() < unprocessed);
    if (later.length < Keys.length)
      kept[table] = { ...request, Keys: Keys.filter((key) => !later.includes(key)) };
    if (later.length > 0) left[table] = { ...request, Keys: later };
  }
  const output = model.execute(new BatchGetItemCommand({ RequestItems: kept }));
  return { ...(output as object), UnprocessedKeys: left };
}

/** The SDK names each transaction once, so that a repeat of it is none. */
function withToken({ input }: Command, random: Random): void {
  if ('TransactItems' in input) input.ClientRequestToken ??= `token-${random.next()}`;
}

function drawFault(
  random: Random,
  { throttle, error, conflict }: WorldFaults['dynamodb'],
  { input }: Command,
): Error | undefined {
  const lot = random.next();
  const metadata = { $metadata: {}, message: 'drawn' };
  if (lot < throttle) return new ProvisionedThroughputExceededException(metadata);
  if (lot < throttle + error) return new InternalServerError(metadata);
  const isWrite = 'TransactItems' in input || 'UpdateExpression' in input || 'Item' in input;
  if (lot >= throttle + error + conflict || !isWrite) return undefined;
  if (!('TransactItems' in input)) return new TransactionConflictException(metadata);
  const reasons = input.TransactItems!.map(() => ({ Code: 'None' }));
  reasons[random.integer(0, reasons.length - 1)]!.Code = 'TransactionConflict';
  return new TransactionCanceledException({ ...metadata, CancellationReasons: reasons });
}

const timeoutError = () => Object.assign(new Error('timed out'), { name: 'TimeoutError' });
const networkError = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });

function isRetried(error: unknown): boolean {
  return (
    error instanceof ProvisionedThroughputExceededException ||
    error instanceof InternalServerError ||
    (error instanceof Error && (error.name === 'TimeoutError' || 'code' in error))
  );
}
