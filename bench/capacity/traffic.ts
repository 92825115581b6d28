// From messages and those who get them to the work that they make: pure arithmetic, of a second or of a test's run.
import { noWork, type Work } from './demand.ts';

/** How the recipients of messages live. */
export interface Audience {
  /** Of each user: all connected, or all away and registered for notifications. */
  readonly devices: number;
  /** Of the recipients, from 0 to 1. */
  readonly recipientsOnline: number;
  /** Of the members of a large group, from 0 to 1. */
  readonly looking: number;
  /** A device acknowledges after so many events. */
  readonly acknowledgeEvery: number;
  /** Of the messages that an online recipient gets: those after which they report how far they have read. */
  readonly reads: number;
  /** Of the entries for devices that are away: those that lead to a notification by themselves; a burst is one. */
  readonly notified: number;
  /** Of the devices that are connected: those that would be notified, so that somebody looks whether they acknowledge. */
  readonly registered: number;
  /** Whole item of a message, as it is stored. */
  readonly messageBytes: number;
  /** Above so many members a group is pushed to who looks. */
  readonly writeFanoutLimit: number;
  readonly recipientsPerInvocation: number;
}

/** An item of 200 bytes, read consistently. */
const UNITS_A_LOOKER = 0.05;

export function add(...all: readonly Work[]): Work {
  return all.reduce((sum, work) => {
    const keys = Object.keys(noWork) as (keyof Work)[];
    return Object.fromEntries(keys.map((key) => [key, sum[key] + work[key]])) as unknown as Work;
  }, noWork);
}

/** All amounts, as if there were so many times as much; what a message is like stays. */
export function times(work: Work, factor: number): Work {
  const keys = Object.keys(noWork) as (keyof Work)[];
  return Object.fromEntries(keys.map((key) => [key, work[key] * factor])) as unknown as Work;
}

/** One message from one user to another; its batch of the stream is counted by who knows about batches. */
export function directMessage(audience: Audience): Work {
  const { devices, recipientsOnline, reads } = audience;
  const reported = recipientsOnline * reads;
  return {
    ...toMailboxes(audience, 1),
    directSends: 1,
    messageUnits: messageUnits(audience),
    directReads: reported,
    directNotifications: awayOf(audience, 1) * audience.notified,
    watchNotes: watchedOf(audience, 1),
    // What was read is told to the sender's devices, and to the reader's others.
    pushes: pushesTo(audience, 1) + reported * (2 * devices - 1),
  };
}

/** One message to a group of so many members, the sender among them. */
export function groupMessage(audience: Audience, members: number): Work {
  const { devices, recipientsOnline, looking, reads, writeFanoutLimit, recipientsPerInvocation } = audience;
  const base = { groupSends: 1, groupsInBatches: 1, messageUnits: messageUnits(audience) };
  if (members > writeFanoutLimit) {
    const lookers = looking * (members - 1);
    return {
      ...noWork,
      ...base,
      // A query takes a whole unit at least.
      subscribersRead: Math.max(1, lookers * devices * UNITS_A_LOOKER),
      pushes: lookers * devices + devices - 1,
      parts: partsOf(lookers * devices, recipientsPerInvocation),
    };
  }
  const others = members - 1;
  const reported = others * recipientsOnline * reads;
  return {
    ...toMailboxes(audience, others),
    ...base,
    groupReads: reported,
    groupNotifications: awayOf(audience, others) * audience.notified,
    watchNotes: watchedOf(audience, others),
    pushes: pushesTo(audience, others) + reported * (devices - 1),
    parts: partsOf(members, recipientsPerInvocation),
  };
}

/** The members of a large group who are online are told that there is something new. */
export function headsOfLargeGroup(audience: Audience, members: number): Work {
  const told = members * audience.recipientsOnline;
  return {
    ...noWork,
    headsPlanned: 1,
    headsRead: members,
    headsTold: told,
    mailboxEntries: told,
    pushes: told * audience.devices,
    parts: 1 + partsOf(members, audience.recipientsPerInvocation),
  };
}

const partsOf = (recipients: number, perInvocation: number) =>
  recipients > perInvocation ? Math.ceil(recipients / perInvocation) : 0;

function toMailboxes(audience: Audience, others: number): Work {
  const { acknowledgeEvery } = audience;
  const away = awayOf(audience, others);
  return {
    ...noWork,
    // The sender's own, too: their other devices have to hear of it.
    mailboxUpdates: 1 + others,
    mailboxEntries: 1 + others,
    acknowledgements: pushesTo(audience, others) / acknowledgeEvery,
    awayEntries: away,
  };
}

const awayOf = ({ devices, recipientsOnline }: Audience, others: number) =>
  others * (1 - recipientsOnline) * devices;

/** At most: an environment of fan-out that has one watched already leaves no other note. */
const watchedOf = ({ devices, recipientsOnline, registered }: Audience, others: number) =>
  others * recipientsOnline * devices * registered;

/** Every online device but the one that sent. */
const pushesTo = ({ devices, recipientsOnline }: Audience, others: number) =>
  others * recipientsOnline * devices + devices - 1;

const messageUnits = ({ messageBytes }: Audience) => Math.ceil(messageBytes / 1_024);
