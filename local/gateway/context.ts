// What the parts of the gateway share.
import type { Activity } from '../activity.ts';
import type { Faults } from '../faults/faults.ts';
import type { GatewayLimits } from './limits.ts';
import type { Log } from '../log.ts';
import type { Metering } from '../metering.ts';
import type { Throttling } from './throttling.ts';
import type { CloudModel, Invoke } from '../model.ts';

export interface GatewayContext {
  readonly model: CloudModel;
  readonly invoke: Invoke;
  readonly metering: Metering;
  readonly activity: Pick<Activity, 'record'>;
  readonly limits: GatewayLimits;
  readonly throttling: Throttling;
  readonly faults: Pick<Faults, 'answerLost' | 'disconnect'>;
  readonly log: Log;
  /** The gateway stops. */
  readonly closing: AbortSignal;
  /** Keeps hold of work that nobody waits for. */
  track(work: Promise<void>): void;
  /** The connection is no more. */
  forget(connectionId: string): void;
}
