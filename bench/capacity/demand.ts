// What work takes: request units by table, frames, invocations. The numbers were measured on the local cloud; the test
// test/bench/capacity-metered.test.ts sends a small mix, and holds them to its meters.
import type { TableName } from '../../src/core/tables.ts';

/** Amounts of what costs, of any time: the planner takes those of a second, the test those of its run. */
export interface Work {
  /** Sends to one other person, and to groups. */
  readonly directSends: number;
  readonly groupSends: number;
  /** Write units of the items of all these messages, as they are stored. */
  readonly messageUnits: number;
  /** Invocations of fan-out. */
  readonly batches: number;
  /** Groups in these batches, each batch counted by itself. */
  readonly groupsInBatches: number;
  /** Of large groups: read units of finding who looks, each batch counted by itself; how often the others are told, looked at, told. */
  readonly subscribersRead: number;
  readonly headsPlanned: number;
  readonly headsRead: number;
  readonly headsTold: number;
  /** Recipients, each batch counted by itself; and what is written to them. */
  readonly mailboxUpdates: number;
  readonly mailboxEntries: number;
  /** What is left to other invocations, because it is too much for one. */
  readonly parts: number;
  /** To devices: of messages, and of read positions. */
  readonly pushes: number;
  /** Of devices that are away, each batch counted by itself; notifications that came of it. */
  readonly awayEntries: number;
  readonly directNotifications: number;
  readonly groupNotifications: number;
  /** Notes about devices that were pushed to, to see whether they acknowledge. */
  readonly watchNotes: number;
  readonly acknowledgements: number;
  readonly directReads: number;
  readonly groupReads: number;
  readonly heartbeats: number;
  /** Devices that come (and ask what they missed), and go. */
  readonly connects: number;
  readonly disconnects: number;
}

export const noWork: Work = {
  directSends: 0,
  groupSends: 0,
  messageUnits: 0,
  batches: 0,
  groupsInBatches: 0,
  subscribersRead: 0,
  headsPlanned: 0,
  headsRead: 0,
  headsTold: 0,
  mailboxUpdates: 0,
  mailboxEntries: 0,
  parts: 0,
  pushes: 0,
  awayEntries: 0,
  directNotifications: 0,
  groupNotifications: 0,
  watchNotes: 0,
  acknowledgements: 0,
  directReads: 0,
  groupReads: 0,
  heartbeats: 0,
  connects: 0,
  disconnects: 0,
};

export interface Units {
  readonly write: number;
  readonly read: number;
}

export const functionNames = [
  'authorize',
  'connect',
  'disconnect',
  'send',
  'sync',
  'reading',
  'fan-out',
  'group-tasks',
  'wake-notifier',
  'notify',
] as const;
export type FunctionName = (typeof functionNames)[number];

export const queueNames = ['Notifications', 'GroupTasks'] as const;
export type QueueName = (typeof queueNames)[number];

export interface Demand {
  readonly tables: Readonly<Record<TableName, Units>>;
  readonly invocations: Readonly<Record<FunctionName, number>>;
  /** Messages that are sent to them. */
  readonly queues: Readonly<Record<QueueName, number>>;
  /** Of the notes: those that mostly find nothing to tell. */
  readonly watchNotes: number;
  readonly framesIn: number;
  /** Answers to what came in, and pushes: only these take a request of functions to the gateway. */
  readonly answers: number;
  readonly pushes: number;
}

/** A mailbox seals a page of so many entries: a page is written, and the head once more. */
const ENTRIES_A_PAGE = 16;
const WRITES_A_PAGE = 2;

/** Units by table of one of each; what messages' sizes and pages decide is added in `demandOf`. */
const unitsOf = {
  directSend: { Conversations: { write: 1, read: 0 } },
  groupSend: { Conversations: { write: 2, read: 1 } },
  groupInBatch: { Conversations: { write: 0, read: 1 } },
  subscriberRead: { Conversations: { write: 0, read: 1 } },
  headsPlanned: { Conversations: { write: 1, read: 1 } },
  headRead: { Users: { write: 0, read: 0.5 } },
  mailboxUpdate: { Users: { write: 1, read: 0 } },
  awayEntry: { OfflineQueue: { write: 1, read: 0 } },
  // From 6.2 to 7 of Users, by how far the mailbox is from its next page.
  directNotification: {
    OfflineQueue: { write: 1, read: 1 },
    Users: { write: 0, read: 6.5 },
    Conversations: { write: 0, read: 2 },
    Messages: { write: 0, read: 1 },
  },
  groupNotification: {
    OfflineQueue: { write: 1, read: 1 },
    Users: { write: 0, read: 6.5 },
    Conversations: { write: 0, read: 5 },
    Messages: { write: 0, read: 1 },
  },
  watchNote: { OfflineQueue: { write: 0, read: 1 }, Users: { write: 0, read: 3 } },
  acknowledgement: { Users: { write: 1, read: 1 } },
  directRead: {
    Conversations: { write: 1, read: 1 },
    Messages: { write: 0, read: 1 },
    Users: { write: 0, read: 2 },
  },
  groupRead: {
    Conversations: { write: 1, read: 2 },
    Messages: { write: 0, read: 1 },
    Users: { write: 0, read: 1 },
  },
  heartbeat: { Users: { write: 0, read: 1 } },
  // With the request for what was missed.
  connect: { Users: { write: 2, read: 2.5 } },
  disconnect: { Users: { write: 1, read: 0.5 } },
} as const satisfies Record<string, Partial<Record<TableName, Units>>>;

export function demandOf(work: Work): Demand {
  const reads = work.directReads + work.groupReads;
  const notifications = work.directNotifications + work.groupNotifications;
  const sends = work.directSends + work.groupSends;
  const amounts: Readonly<Record<keyof typeof unitsOf, number>> = {
    directSend: work.directSends,
    groupSend: work.groupSends,
    groupInBatch: work.groupsInBatches,
    subscriberRead: work.subscribersRead,
    headsPlanned: work.headsPlanned,
    headRead: work.headsRead,
    mailboxUpdate:
      work.mailboxUpdates + work.headsTold + (work.mailboxEntries / ENTRIES_A_PAGE) * WRITES_A_PAGE,
    awayEntry: work.awayEntries,
    directNotification: work.directNotifications,
    groupNotification: work.groupNotifications,
    watchNote: work.watchNotes,
    acknowledgement: work.acknowledgements,
    directRead: work.directReads,
    groupRead: work.groupReads,
    heartbeat: work.heartbeats,
    connect: work.connects,
    disconnect: work.disconnects,
  };
  const total = (table: TableName, kind: keyof Units) =>
    Object.entries(amounts).reduce((sum, [name, amount]) => {
      const units: Partial<Record<TableName, Units>> = unitsOf[name as keyof typeof unitsOf];
      return sum + amount * (units[table]?.[kind] ?? 0);
    }, 0);
  const units = (table: TableName) => ({ write: total(table, 'write'), read: total(table, 'read') });
  const messages = units('Messages');
  const asked = sends + reads + work.heartbeats + work.connects;
  return {
    tables: {
      Messages: {
        write: messages.write + work.messageUnits,
        read: messages.read,
      },
      Conversations: units('Conversations'),
      Users: units('Users'),
      OfflineQueue: units('OfflineQueue'),
    },
    invocations: {
      authorize: work.connects,
      connect: work.connects,
      disconnect: work.disconnects,
      send: sends,
      sync: work.acknowledgements + work.heartbeats + work.connects,
      reading: reads,
      'fan-out': work.batches,
      'group-tasks': work.parts,
      // An entry wakes it when it is new; those of one notification are one.
      // At most, both: entries and notes of one moment come together.
      'wake-notifier': notifications,
      notify: notifications + work.watchNotes,
    },
    queues: { Notifications: notifications + work.watchNotes, GroupTasks: work.parts },
    watchNotes: work.watchNotes,
    // An acknowledgement is not answered.
    framesIn: asked + work.acknowledgements,
    answers: asked,
    pushes: work.pushes,
  };
}
