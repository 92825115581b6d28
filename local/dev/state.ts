// All that the developer page shows, in one answer. The page compiles with this file: nothing of Node may come in here.
import type { ConnectionState, EnvironmentCounts, RecordedActivity } from '../activity.ts';
import type { FaultPlan } from '../faults/plan.ts';
import type { MeteringSnapshot } from '../metering.ts';
import type { NotificationReport } from '../notifications/report.ts';

export interface DevState {
  readonly stack: string;
  readonly stage: string;
  readonly database: string;
  /** ms since the epoch; another value means another cloud. */
  readonly startedAt: number;
  readonly now: number;
  readonly functions: readonly FunctionState[];
  readonly connections: readonly ConnectionState[];
  readonly tables: readonly TableState[];
  readonly eventSources: readonly EventSourceState[];
  readonly metrics: MeteringSnapshot;
  readonly faults: FaultState;
  /** Newest first, a page full of them. */
  readonly notifications: readonly NotificationReport[];
  /** Those after the id that was asked for. */
  readonly events: readonly RecordedActivity[];
}

export interface FaultState {
  readonly plan: FaultPlan | null;
  /** How often each fault struck since the plan was set, by `group.fault`. */
  readonly injected: Readonly<Record<string, number>>;
}

export interface FunctionState {
  readonly name: string;
  readonly memoryMb: number;
  readonly environments: EnvironmentCounts;
}

export interface TableState {
  readonly name: string;
  readonly items: number;
}

export interface EventSourceState {
  readonly id: string;
  readonly tableName: string;
  readonly functionName: string;
  readonly inFlight: number;
  /** Messages in its on-failure destination. */
  readonly waiting: number;
}
