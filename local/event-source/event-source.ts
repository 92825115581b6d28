// Event source mappings: what is written to a table with a stream reaches the functions that its stream triggers.
import { Checkpoints } from './checkpoints.ts';
import { EngineClient } from '../dynamodb/engines/client.ts';
import { EventSourceMapping, type EventSourceMappingOptions } from './mapping.ts';
import type { CloudModel, EventSourceModel } from '../model.ts';
import type { Identities } from '../iam/roles.ts';
import { TtlDeletions } from '../dynamodb/ttl.ts';

export interface EventSourcesOptions extends Pick<
  EventSourceMappingOptions,
  'model' | 'engine' | 'invoke' | 'metering' | 'faults' | 'log' | 'queues'
> {
  /** Lambda reads a stream and writes to a destination with the role of the function. */
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
  /** Resolves when all that was written before has been processed; never, while a batch is retried for ever. */
  settled(): Promise<void>;
  /** Records that are being delivered or wait for it, by EventSourceModel.id. */
  inFlight(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export async function startEventSources(options: EventSourcesOptions): Promise<EventSources> {
  const { model, engine, clock = Date.now } = options;
  for (const eventSource of model.eventSources) checkEventSource(options, eventSource);
  const checkpoints = await Checkpoints.open(options.dataDirectory);
  const client = new EngineClient(engine.endpoint);
  const deletions = options.deletions ?? new TtlDeletions(clock);
  const sources = model.eventSources.map(
    (eventSource) =>
      new EventSourceMapping({ ...options, eventSource, checkpoints, client, clock, deletions }),
  );
  const close = async () => {
    await Promise.all(sources.map((source) => source.close()));
    await checkpoints.flush();
    client.close();
  };
  try {
    await Promise.all(sources.map((source) => source.open()));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    nudge(tableName) {
      for (const source of sources) if (source.tableName === tableName) source.nudge();
    },
    async settled() {
      // What one source's function writes may be another source's record: until a round finds nothing anywhere.
      let before: number;
      do {
        before = processedBy(sources);
        await Promise.all(sources.map((source) => source.settle()));
      } while (processedBy(sources) > before);
    },
    inFlight: () => Object.fromEntries(sources.map(({ id, inFlight }) => [id, inFlight])),
    close,
  };
}

function processedBy(sources: readonly EventSourceMapping[]): number {
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
  const identity = identities.identityOf(functionName);
  for (const [action, resource] of neededPermissions(model, eventSource)) {
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
