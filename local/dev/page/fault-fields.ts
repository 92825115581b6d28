// Every fault of a plan with its name and a typical value; a fault that is missing here does not compile.
import type { FaultPlan } from '../../faults/plan.ts';

export type GroupName = Exclude<keyof FaultPlan, 'seed'>;

/** A rate, a range of milliseconds, or on and off. */
export type FaultValue = number | [minMs: number, maxMs: number] | boolean;

export interface FaultField {
  readonly label: string;
  readonly hint: string;
  readonly typical: FaultValue;
}

type FieldsOf<Group> = {
  readonly [Name in keyof Group]-?: FaultField & { readonly typical: NonNullable<Group[Name]> };
};

export const groupNames: Readonly<Record<GroupName, string>> = {
  dynamodb: 'DynamoDB requests',
  lambda: 'Invocations',
  stream: 'Stream batches',
  gateway: 'Frames to devices',
};

export const faultFields: { readonly [Name in GroupName]: FieldsOf<NonNullable<FaultPlan[Name]>> } = {
  dynamodb: {
    throttle: { label: 'Throttle', hint: 'Refused with ThrottlingException', typical: 0.05 },
    error: { label: 'Server error', hint: 'Refused with InternalServerError', typical: 0.02 },
    lostResponse: {
      label: 'Lose response',
      hint: 'Carried out; the caller sees the network fail',
      typical: 0.02,
    },
    conflict: {
      label: 'Conflict',
      hint: 'A write or a transaction is refused because of another transaction',
      typical: 0.02,
    },
    latencyMs: { label: 'Latency', hint: 'Added to each request', typical: [0, 20] },
  },
  lambda: {
    crashBefore: {
      label: 'Crash before',
      hint: 'The environment dies before the handler runs',
      typical: 0.01,
    },
    crashMidway: {
      label: 'Crash midway',
      hint: 'It dies after a random one of its DynamoDB requests',
      typical: 0.02,
    },
    crashAfter: {
      label: 'Crash after',
      hint: 'It dies when the handler is done, before it answers',
      typical: 0.01,
    },
  },
  stream: {
    duplicate: { label: 'Deliver twice', hint: 'A batch that succeeded comes once more', typical: 0.05 },
    reorder: { label: 'Reorder', hint: 'Records of different items overtake each other', typical: true },
    singly: {
      label: 'In batches',
      hint: 'As on AWS, and no two runs alike; otherwise one record a batch, so that a run can be repeated',
      typical: false,
    },
    delayMs: { label: 'Delay', hint: 'Before a batch is delivered', typical: [0, 300] },
  },
  gateway: {
    dropPush: { label: 'Drop', hint: 'The post is answered 200 and never arrives', typical: 0.05 },
    duplicatePush: { label: 'Send twice', hint: 'The frame comes twice', typical: 0.02 },
    delayPushMs: { label: 'Delay', hint: 'Before the frame is sent', typical: [0, 200] },
    throttlePush: { label: 'Throttle', hint: 'The post is answered 429', typical: 0.02 },
    disconnect: { label: 'Disconnect', hint: 'The network fails, the post is answered 410', typical: 0.01 },
    halfOpen: {
      label: 'Half-open',
      hint: 'The gateway believes in the socket; the client hears nothing any more',
      typical: 0.005,
    },
    lostAnswer: { label: 'Lose answer', hint: 'What a route answers never arrives', typical: 0.02 },
    lateDisconnect: {
      label: 'Late $disconnect',
      hint: 'It is invoked some seconds after the end',
      typical: 0.1,
    },
    noDisconnect: { label: 'No $disconnect', hint: 'It is never invoked', typical: 0.05 },
  },
};
