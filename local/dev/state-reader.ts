// Gathers what the developer page shows from the parts of the cloud.
import type { Activity, ConnectionState, EnvironmentCounts } from '../activity.ts';
import type { DevState, EventSourceState, FunctionState } from './state.ts';
import type { Faults } from '../faults/faults.ts';
import type { Metering } from '../metering.ts';
import type { CloudModel } from '../model.ts';
import type { NotificationJournal } from '../notifications/journal.ts';

export interface DevStateSources {
  readonly model: CloudModel;
  readonly database: string;
  readonly startedAt: number;
  readonly metering: Pick<Metering, 'snapshot'>;
  readonly faults: Pick<Faults, 'plan' | 'injected'>;
  readonly activity: Pick<Activity, 'after'>;
  readonly journal: Pick<NotificationJournal, 'all'>;
  /** By function name. */
  readonly environments: () => Readonly<Record<string, EnvironmentCounts>>;
  readonly connections: () => readonly ConnectionState[];
  /** By event source id. */
  readonly recordsInFlight: () => Readonly<Record<string, number>>;
  /** Of the queue with this name. */
  readonly messagesIn: (queueName: string) => number;
  /** By table name. */
  readonly itemCounts: () => Promise<Readonly<Record<string, number>>>;
}

/** The newest are shown; a load test may hold thousands open. */
const maximumConnections = 100;
const maximumNotifications = 50;

export type ReadDevState = (afterEventId: number) => Promise<DevState>;

export function createDevStateReader(sources: DevStateSources): ReadDevState {
  const { model, database, startedAt, metering, faults, activity, journal } = sources;
  return async (afterEventId) => {
    const items = await sources.itemCounts();
    return {
      stack: model.stackName,
      stage: model.api.stageName,
      database,
      startedAt,
      now: Date.now(),
      functions: functionStates(sources),
      connections: sources
        .connections()
        .toSorted((left, right) => right.connectedAt - left.connectedAt)
        .slice(0, maximumConnections),
      tables: model.tables.map(({ name }) => ({ name, items: items[name] ?? 0 })),
      eventSources: eventSourceStates(sources),
      metrics: metering.snapshot(),
      faults: { plan: faults.plan() ?? null, injected: faults.injected() },
      notifications: journal.all().slice(0, maximumNotifications),
      events: activity.after(afterEventId),
    };
  };
}

function functionStates({ model, environments }: DevStateSources): FunctionState[] {
  const counts = environments();
  return model.functions.map(({ name, memoryMb }) => ({
    name,
    memoryMb,
    environments: counts[name] ?? { busy: 0, idle: 0 },
  }));
}

function eventSourceStates({ model, recordsInFlight, messagesIn }: DevStateSources): EventSourceState[] {
  const inFlight = recordsInFlight();
  return model.eventSources.map(({ id, tableName, functionName, onFailureArn }) => {
    const queue = model.queues.find(({ arn }) => arn === onFailureArn);
    return {
      id,
      tableName: model.tables.find((table) => table.tableName === tableName)?.name ?? tableName,
      functionName,
      inFlight: inFlight[id] ?? 0,
      waiting: queue ? messagesIn(queue.name) : 0,
    };
  });
}
