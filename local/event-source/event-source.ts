// Event source mappings: what is written to a table with a stream, or sent to a queue, reaches the functions behind it.
import { Checkpoints } from './checkpoints.ts';
import { EngineClient } from '../dynamodb/engines/client.ts';
import { EventSourceMapping, type EventSourceMappingOptions } from './mapping.ts';
import type { CloudModel, EventSourceModel, QueueSourceModel } from '../model.ts';
import { QueueSource, type QueueSourceOptions, type SettleOptions } from './queue-source.ts';
import type { Identities } from '../iam/roles.ts';
import { TtlDeletions } from '../dynamodb/ttl.ts';

export type { SettleOptions };

export interface EventSourcesOptions extends Pick<
  EventSourceMappingOptions,
  'model' | 'engine' | 'invoke' | 'metering' | 'log'
> {
  readonly faults: EventSourceMappingOptions['faults'] & QueueSourceOptions['faults'];
  readonly queues: EventSourceMappingOptions['queues'] & QueueSourceOptions['queues'];
  /** Lambda reads a stream or a queue, and writes to a destination, with the role of the function. */
  readonly identities: Pick<Identities, 'identityOf' | 'authorize'>;
  /** Deletions of the TTL sweeper, so that their records say so. */
  readonly deletions?: TtlDeletions;
  /** Where checkpoints are kept. */
  readonly dataDirectory?: string | undefined;
  readonly clock?: () => number;
}

export interface EventSources {
  /** Something was written to this table (physical name): read its stream now. */
  nudge(tableName: string): void;
  /**
   * Resolves when all that was written or sent before has been processed: of what queues delay, only what is due, unless
   * it is asked for; never, while a batch is retried for ever.
   */
  settled(options?: SettleOptions): Promise<void>;
  /** Records that are being delivered or wait for it, by the id of the event source. */
  inFlight(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export async function startEventSources(options: EventSourcesOptions): Promise<EventSources> {
  const { model, engine, clock = Date.now } = options;
  for (const eventSource of model.eventSources) checkEventSource(options, eventSource);
  for (const eventSource of model.queueSources) checkQueueSource(options, eventSource);
  const checkpoints = await Checkpoints.open(options.dataDirectory);
  const client = new EngineClient(engine.endpoint);
  const deletions = options.deletions ?? new TtlDeletions(clock);
  const streams = model.eventSources.map(
    (eventSource) =>
      new EventSourceMapping({ ...options, eventSource, checkpoints, client, clock, deletions }),
  );
  const queueSources = model.queueSources.map(
    (eventSource) => new QueueSource({ ...options, eventSource, clock }),
  );
  const sources = [...streams, ...queueSources];
  const close = async () => {
    await Promise.all(sources.map((source) => source.close()));
    await checkpoints.flush();
    client.close();
  };
  try {
    await Promise.all(streams.map((source) => source.open()));
    for (const source of queueSources) source.open();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    nudge(tableName) {
      for (const source of streams) if (source.tableName === tableName) source.nudge();
    },
    async settled(settleOptions) {
      // What one source's function writes may be another source's record: until a round finds nothing anywhere.
      let before: number;
      do {
        before = processedBy(sources);
        await Promise.all(sources.map((source) => source.settle(settleOptions)));
      } while (processedBy(sources) > before);
    },
    inFlight: () => Object.fromEntries(sources.map(({ id, inFlight }) => [id, inFlight])),
    close,
  };
}

function processedBy(sources: readonly { readonly processed: number }[]): number {
  return sources.reduce((sum, source) => sum + source.processed, 0);
}

/** AWS refuses to create a mapping whose function's role cannot read the stream or write to the destination. */
function checkEventSource({ model, identities }: EventSourcesOptions, eventSource: EventSourceModel): void {
  const { id, functionName, onFailureArn } = eventSource;
  if (onFailureArn !== undefined && !model.queues.some(({ arn }) => arn === onFailureArn)) {
    throw new Error(
      `Event source ${id}: its on-failure destination ${onFailureArn} is no queue of this stack`,
    );
  }
  checkPermissions(identities, { id, functionName }, neededPermissions(model, eventSource));
}

/** AWS refuses to create a mapping that may not poll its queue, or whose messages come back before their time is up. */
function checkQueueSource({ model, identities }: EventSourcesOptions, eventSource: QueueSourceModel): void {
  const { id, functionName, queueArn } = eventSource;
  const polls = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'];
  checkPermissions(
    identities,
    eventSource,
    polls.map((poll) => [`sqs:${poll}`, queueArn]),
  );
  const queue = model.queues.find(({ arn }) => arn === queueArn);
  const target = model.functions.find(({ name }) => name === functionName);
  if (!queue || !target) throw new Error(`Event source ${id}: no such queue or function`);
  if (queue.visibilityTimeoutMs >= target.timeoutMs) return;
  const seconds = (ms: number) => `${ms / 1000} seconds`;
  throw new Error(
    `Event source ${id}: Queue visibility timeout: ${seconds(queue.visibilityTimeoutMs)} is less than Function timeout: ${seconds(target.timeoutMs)}`,
  );
}

function checkPermissions(
  identities: EventSourcesOptions['identities'],
  { id, functionName }: Pick<EventSourceModel, 'id' | 'functionName'>,
  needed: readonly (readonly [action: string, resource: string])[],
): void {
  const identity = identities.identityOf(functionName);
  for (const [action, resource] of needed) {
    const verdict = identities.authorize(identity, action, resource);
    if (!verdict.allowed) throw new Error(`Event source ${id}: ${verdict.message}`);
  }
}

function neededPermissions(
  { tables }: CloudModel,
  { tableName, onFailureArn }: EventSourceModel,
): [action: string, resource: string][] {
  const streamArn = tables.find((table) => table.tableName === tableName)?.stream?.arn;
  const reads = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];
  return [
    ...(streamArn === undefined
      ? []
      : reads.map((read): [string, string] => [`dynamodb:${read}`, streamArn])),
    ...(onFailureArn === undefined ? [] : [['sqs:SendMessage', onFailureArn] satisfies [string, string]]),
  ];
}
