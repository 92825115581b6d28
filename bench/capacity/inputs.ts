// What the planner is told about the load, and what it takes for granted where it is told nothing.
import type { Audience } from './traffic.ts';

export interface Inputs extends Audience {
  /** At the peak; the bill is made of the mean. */
  readonly messagesPerSecond: number;
  readonly peakToMean: number;
  /** Users who are there, and who are connected at once. */
  readonly users: number;
  readonly online: number;
  /** Of the messages, from 0 to 1: to groups. */
  readonly groupShare: number;
  /** Direct conversations and groups that messages go to. */
  readonly conversations: number;
  readonly groups: number;
  /** Sizes of groups: of k members is a share that falls with k to this power. */
  readonly groupExponent: number;
  readonly smallestGroup: number;
  readonly largestGroup: number;
  /** How unlike users and conversations are: the busiest but n has a share that falls with n to this power; below 1. */
  readonly activityExponent: number;
  /** The members of a large group who do not look are told this often, at most. */
  readonly headsIntervalSeconds: number;
  readonly retentionDays: number;
  readonly connectionMinutes: number;
  /** After an outage, at the peak, all come back within so many minutes; 0: there is none. */
  readonly reconnectMinutes: number;
  readonly heartbeatSeconds: number;
  /**
   * What an invocation is taken to last on Lambda: of send, of any other request, of a batch of fan-out and each of its
   * recipients, of a full batch of notes with the requests to push services.
   */
  readonly sendMs: number;
  readonly requestMs: number;
  readonly fanOutMs: number;
  readonly recipientMs: number;
  readonly notifyMs: number;
  /** Batches of a shard at once. */
  readonly parallelization: number;
  /** Of the hottest keys: in so many of a hundred cases they are no hotter. */
  readonly quantile: number;
  readonly trials: number;
  readonly seed: number;
}

export const defaultInputs: Inputs = {
  messagesPerSecond: 1_000,
  peakToMean: 2,
  users: 200_000,
  online: 50_000,
  groupShare: 0.3,
  conversations: 400_000,
  groups: 20_000,
  groupExponent: 2,
  smallestGroup: 3,
  largestGroup: 10_000,
  activityExponent: 0.5,
  devices: 1,
  recipientsOnline: 0.5,
  looking: 0.05,
  acknowledgeEvery: 8,
  reads: 0.25,
  notified: 0.2,
  registered: 0.5,
  messageBytes: 400,
  writeFanoutLimit: 500,
  recipientsPerInvocation: 500,
  headsIntervalSeconds: 30,
  retentionDays: 30,
  connectionMinutes: 60,
  reconnectMinutes: 0,
  heartbeatSeconds: 270,
  sendMs: 15,
  requestMs: 15,
  fanOutMs: 20,
  recipientMs: 0.4,
  notifyMs: 150,
  parallelization: 1,
  quantile: 0.99,
  trials: 1_000,
  seed: 1,
};
