// The checker itself: a history in which all is well, and one broken in each way that it must see.
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/protocol/limits.ts';
import type { Message, Slot } from '../../src/protocol/messages.ts';
import { check, checkLists } from './checker.ts';
import { checkPlain } from './plain-checker.ts';
import type {
  Changed,
  DeviceHistory,
  MailboxTruth,
  PlainHistory,
  RunHistory,
  Sent,
  Shown,
  Step,
  Told,
  Truth,
} from './history.ts';

const conversationId = 'd:alice:bob';

function message(seq: number, from = 'alice'): Message {
  return {
    conversationId,
    seq,
    clientMsgId: `message-${seq}`,
    serverTime: seq,
    from,
    deviceId: 'phone',
    type: 'text',
    body: { text: `text ${seq}` },
    recalled: false,
    edited: null,
    silent: false,
  };
}
const shown = (seq: number): Shown => ({
  conversationId,
  seq,
  from: 'alice',
  clientMsgId: `message-${seq}`,
  text: `text ${seq}`,
});
const told = (seq: number, askedAt = 0): Told => ({
  ...shown(seq),
  askedAt,
});
const toldVoid = (seq: number): Told => ({ conversationId, seq, askedAt: 0 });
const sent = (seq: number): Sent => ({
  userId: 'alice',
  deviceId: 'phone',
  conversationId,
  clientMsgId: `message-${seq}`,
  text: `text ${seq}`,
  silent: false,
  outcome: 'sent',
  seqs: [seq],
});
const slots: Slot[] = [message(1), { conversationId, seq: 2, void: true }, message(3)];
const truth = (userId: string, unread: number): Truth => ({
  userId,
  conversationId,
  members: ['alice', 'bob'],
  slots,
  floorSeq: 1,
  joinedSeq: 0,
  cutoverSeq: Infinity,
  headSeq: 3,
  unread,
  readSeq: userId === 'alice' ? 3 : 0,
  peerReadSeq: userId === 'alice' ? 0 : 3,
});

const mailbox = (userId: string, seqs: readonly number[]): MailboxTruth => ({
  userId,
  head: seqs.length,
  events: seqs.map((seq, index) => ({ syncSeq: index + 1, kind: 'message', message: message(seq) })),
});

const good: RunHistory = {
  seed: 1,
  sent: [sent(1), sent(3)],
  waiting: [],
  wishes: [],
  devices: ['alice', 'bob'].map((userId) => ({
    userId,
    deviceId: 'phone',
    shown: [shown(1), shown(3)],
    told: [told(1), toldVoid(2)],
    changes: [],
    marked: [],
    listed: [],
    journal: [],
    kept: [shown(1), shown(3)],
  })),
  plain: [],
  truths: [truth('alice', 0), truth('bob', 2)],
  mailboxes: [mailbox('alice', [1, 3]), mailbox('bob', [1, 3])],
  groups: [],
  asked: [],
  sleepers: [],
  notified: [],
  reactionLimits: limits.reactions,
  poison: { put: 0, givenUp: 0 },
};
const [aliceDevice, bobDevice] = [good.devices[0]!, good.devices[1]!];
const withBob = (...messages: Shown[]): RunHistory => ({
  ...good,
  devices: [aliceDevice, { ...bobDevice, shown: messages }],
});
const bobTold = (...slots: Told[]): RunHistory => ({
  ...good,
  devices: [aliceDevice, { ...bobDevice, told: slots }],
});

/** Alice did something to the third message, and this is what became of it. */
function changed(
  change: Omit<Changed, 'conversationId' | 'seq' | 'by'>,
  now: Partial<Message>,
  {
    kept = now,
    control = { op: change.kind, seq: 3, by: 'alice' },
  }: { kept?: Partial<Message>; control?: object } = {},
): RunHistory {
  const third = { ...message(3), ...now };
  const about: Message = { ...message(4), type: 'control', body: { ...control }, silent: true };
  const has: Shown = {
    ...shown(3),
    text: kept.recalled ? undefined : String((kept.body ?? message(3).body)['text']),
  };
  const counted = third.recalled ? 1 : 2;
  return {
    ...good,
    devices: good.devices.map((device) => ({
      ...device,
      kept: [shown(1), has],
      changes: device.userId === 'alice' ? [{ conversationId, seq: 3, by: 'alice', ...change }] : [],
    })),
    truths: [truth('alice', 0), truth('bob', counted)].map((one) => ({
      ...one,
      slots: [...slots.slice(0, 2), third, about],
      headSeq: 4,
    })),
    mailboxes: [mailbox('alice', [1, 3, 4]), mailbox('bob', [1, 3, 4])],
  };
}
const recalledNow = { recalled: true, body: {} };
const editedNow = { edited: 9, body: { text: 'edited' } };

test('nor has one in which messages were recalled and edited', () => {
  expect(check(changed({ kind: 'recall', doneAt: 5 }, recalledNow))).toEqual([]);
  expect(check(changed({ kind: 'edit', text: 'edited', doneAt: 5 }, editedNow))).toEqual([]);
  // Nobody knows whether it was done.
  expect(check(changed({ kind: 'recall' }, recalledNow))).toEqual([]);
  expect(check(changed({ kind: 'recall' }, {}))).toEqual([]);
});

test('a history in which all is well has no violation', () => {
  expect(check(good)).toEqual([]);
});

/** Bob has a client of his own besides. */
const withPlain = (taken: MailboxTruth['events'], cursors: PlainHistory['cursors'] = []): RunHistory => ({
  ...good,
  plain: [{ userId: 'bob', deviceId: 'laptop', taken, cursors }],
});
const entries = good.mailboxes[1]!.events;

test('nor has one in which a client took what was edited after its user had gone', () => {
  const group = 'g:walks';
  const first = { ...message(1), conversationId: group };
  const hidden = { conversationId: group, seq: 1, void: true } as const;
  const mailboxOf = (...events: MailboxTruth['events']): MailboxTruth => ({
    userId: 'bob',
    head: events.length,
    events,
  });
  const gone = { syncSeq: 2, kind: 'conversation', conversationId: group, change: 'removed' } as const;
  const taken = [{ syncSeq: 1, kind: 'message', message: first } as const, gone];
  const read = { syncSeq: 1, kind: 'message', message: hidden } as const;
  const edit = { conversationId: group, seq: 1, by: 'alice', kind: 'edit', text: 'edited' } as const;
  const of = (changes: Changed[], ...events: MailboxTruth['events']) =>
    checkPlain(
      { userId: 'bob', deviceId: 'laptop', taken: taken.slice(0, events.length), cursors: [] },
      {
        ...good,
        mailboxes: [mailboxOf(...events)],
        devices: [{ ...aliceDevice, changes }, bobDevice],
      },
    ).map(({ invariant }) => invariant);
  expect(of([edit], read, gone)).toEqual([]);
  // Nobody edited it; or they are in.
  expect(of([], read, gone)).toEqual(['I4']);
  expect(of([edit], read)).toEqual(['I4']);
});

test('nor has one in which a client that is not the SDK took all there is', () => {
  expect(check(withPlain(entries, [{ cursor: 1, taken: 1 }]))).toEqual([]);
});

const withJournal = (...journal: Step[]): RunHistory => ({
  ...good,
  devices: [aliceDevice, { ...bobDevice, journal }],
});
const opens: Step = { opens: { resume: false } };
const opensIn = (tab: number, resume: boolean): Step => ({ opens: { tab, resume } });
const heard = (from: number, to: number): Step => ({ heard: { from, to } });

test('nor has one of a device that tells what it has on its disk, and that begins anew', () => {
  const first = [{ begins: 0 }, heard(1, 2), heard(5, 6), { kept: 2 }, heard(3, 4), { kept: 6 }, { told: 6 }];
  expect(check(withJournal({ kicked: true }, { asked: true }, opens))).toEqual([]);
  expect(check(withJournal({ kicked: true }, { knows: 1 }, opensIn(2, true)))).toEqual([]);
  expect(check(withJournal(...first, { anew: 20 }, { kept: 20 }, heard(21, 21), { told: 20 }))).toEqual([]);
});

const listing = (unread: number, peerReadSeq: number): RunHistory => ({
  ...good,
  devices: [{ ...bobDevice, listed: [{ conversationId, unread, peerReadSeq }] }],
});

test('a device that lists what is unread and read as it is has no violation, another has', () => {
  expect(checkLists(listing(2, 3))).toEqual([]);
  expect(checkLists(listing(1, 3)).map(({ invariant }) => invariant)).toEqual(['I6']);
  // Of a device that lists nothing, everything is missing.
  expect(checkLists({ ...good, devices: [bobDevice] })).toHaveLength(1);
});

describe('a violation is seen when', () => {
  const broken: [string, string, RunHistory][] = [
    ['I1', 'an acknowledged message is nowhere', { ...good, sent: [...good.sent, sent(4)] }],
    [
      'I1',
      'a mailbox lacks a message',
      { ...good, mailboxes: [mailbox('alice', [1, 3]), mailbox('bob', [3])] },
    ],
    [
      'I3',
      'a mailbox has a hole',
      { ...good, mailboxes: [mailbox('alice', [1, 3]), { ...mailbox('bob', [1, 3]), head: 3 }] },
    ],
    [
      'I1',
      'a send is refused',
      { ...good, sent: [...good.sent, { ...sent(4), outcome: 'rejected', seqs: [] }] },
    ],
    ['I9', 'a record that nobody can read holds up others', { ...good, poison: { put: 2, givenUp: 1 } }],
    ['I1', 'a send is never answered', { ...good, waiting: ['message-3'] }],
    ['I1', 'a plain client lacks the last entry', withPlain(entries.slice(0, 1))],
    ['I3', 'a plain client took an entry twice', withPlain([entries[0]!, entries[0]!])],
    [
      'I4',
      'a plain client took what stands there no more',
      withPlain([entries[0]!, { syncSeq: 2, kind: 'message', message: message(1) }]),
    ],
    ['I3', 'a device moves over a hole', withJournal({ begins: 0 }, heard(1, 2), heard(4, 5), { kept: 5 })],
    [
      'I3',
      'a device counts what it heard of another mailbox',
      withJournal(heard(1, 9), opens, { anew: 0 }, { kept: 9 }),
    ],
    ['P7', 'a kicked device comes back by itself', withJournal(opens, { kicked: true }, opens)],
    [
      'P7',
      'a tab that knows of the kick comes back by itself',
      withJournal({ kicked: true }, { knows: 1 }, opensIn(1, true)),
    ],
    [
      'P7',
      'a tab that knows nothing of the kick takes over',
      withJournal({ kicked: true }, { knows: 1 }, opensIn(2, false)),
    ],
    ['P7', 'a device sends before it has synced', withJournal({ hasty: true })],
    ['I5', 'a device tells before it stores', withJournal(heard(1, 2), { told: 2 }, { kept: 2 })],
    ['I5', 'a device begins after what it never told', withJournal({ told: 1 }, { begins: 2 })],
    ['I5', 'a cursor is ahead of its device', withPlain(entries, [{ cursor: 2, taken: 1 }])],
    [
      'I2',
      'a page of a mailbox holds a message twice',
      { ...good, mailboxes: [mailbox('alice', [1, 3, 3]), mailbox('bob', [1, 3])] },
    ],
    ['I1', 'a device never showed a message', withBob(shown(1))],
    ['I2', 'a device showed a message twice', withBob(shown(1), shown(1), shown(3))],
    ['I2', 'an answer named two numbers', { ...good, sent: [{ ...sent(1), seqs: [1, 2] }, sent(3)] }],
    [
      'I2',
      'a message stands twice',
      {
        ...good,
        truths: ['alice', 'bob'].map((userId) => ({
          ...truth(userId, userId === 'bob' ? 3 : 0),
          slots: [...slots, { ...message(4), clientMsgId: 'message-3' }],
          headSeq: 4,
        })),
      },
    ],
    ['I3', 'a device showed messages in another order', withBob(shown(3), shown(1))],
    [
      'I3',
      'a number is missing',
      { ...good, truths: [{ ...truth('alice', 0), slots: [message(1), message(3)] }] },
    ],
    ['I3', 'the head is further than the slots', { ...good, truths: [{ ...truth('alice', 0), headSeq: 4 }] }],
    [
      'I4',
      'a message stands elsewhere than answered',
      { ...good, sent: [{ ...sent(1), seqs: [2] }, sent(3)] },
    ],
    ['I4', 'a device showed other content', withBob({ ...shown(1), text: 'other' }, shown(3))],
    ['I4', 'a device showed what is void', withBob(shown(1), shown(2), shown(3))],
    ['I4', 'a reader stepped over a slot that became a message', bobTold(toldVoid(3))],
    ['I4', 'a reader was told of a message that became a void', bobTold(told(2))],
    [
      'I4',
      'members read differently',
      {
        ...good,
        truths: [
          truth('alice', 0),
          { ...truth('bob', 2), slots: [message(1), message(2), message(3)], unread: 3 },
        ],
      },
    ],
    ['I7', 'a recalled message has a body', changed({ kind: 'recall', doneAt: 5 }, { recalled: true })],
    ['I7', 'a message was recalled and is not', changed({ kind: 'recall', doneAt: 5 }, {})],
    [
      'I7',
      'a device kept what was recalled',
      changed({ kind: 'recall', doneAt: 5 }, recalledNow, { kept: {} }),
    ],
    [
      'I7',
      'a control message carries a body',
      changed({ kind: 'recall', doneAt: 5 }, recalledNow, {
        control: { op: 'recall', seq: 3, text: 'text 3' },
      }),
    ],
    ['I4', 'a message is recalled that nobody recalled', changed({ kind: 'edit', text: 'x' }, recalledNow)],
    ['I4', 'an edit is lost', changed({ kind: 'edit', text: 'edited', doneAt: 5 }, {})],
    [
      'I4',
      'a device kept another text',
      changed({ kind: 'edit', text: 'edited', doneAt: 5 }, editedNow, { kept: {} }),
    ],
    ['I6', 'unread is not exact', { ...good, truths: [truth('alice', 0), truth('bob', 1)] }],
    [
      'I8',
      'a device showed what is none of its business',
      withBob(shown(1), shown(3), { ...shown(1), conversationId: 'd:alice:carol' }),
    ],
  ];
  for (const [invariant, what, history] of broken) {
    test(`${what} (${invariant})`, () => {
      expect(check(history).map((violation) => violation.invariant)).toContain(invariant);
    });
  }
});

test('a message whose sender crashed before it was durable may be there or not', () => {
  const unknown: Sent = { ...sent(4), outcome: 'unknown', seqs: [] };
  expect(check({ ...good, sent: [...good.sent, unknown] })).toEqual([]);
});

test.each([
  [50, false],
  [51, true],
])('a device that was away for too long begins with the newest fifty of %s', (headSeq, isFine) => {
  const bob: DeviceHistory = {
    ...bobDevice,
    shown: [shown(3)],
    kept: [shown(3)],
    told: [],
    journal: [{ anew: 5 }],
  };
  const truths = good.truths.map((one) => ({ ...one, headSeq }));
  const found = check({ ...good, truths, devices: [aliceDevice, bob] }).filter(({ what }) =>
    /bob.phone/.test(what),
  );
  expect(found.map(({ invariant }) => invariant)).toEqual(isFine ? [] : ['I1', 'I4']);
});
