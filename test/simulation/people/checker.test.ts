// What the checker knows of reactions and blocks: histories in which all is well, and one broken in each way.
import { describe, expect, test } from 'vitest';
import type { Message, Reaction } from '../../../src/protocol/messages.ts';
import type { DeviceHistory, RunHistory, Sent, Truth } from '../history.ts';
import type { Violation } from '../violations.ts';
import { checkBlocks, hidesReading } from './block-checker.ts';
import { checkReactions } from './reaction-checker.ts';
import { WishLog, overAt, type Wish } from './wishes.ts';

const conversationId = 'd:alice:bob';

const message = (seq: number, more: Partial<Message> = {}): Message => ({
  conversationId,
  seq,
  clientMsgId: `message-${seq}`,
  serverTime: seq,
  from: 'alice',
  deviceId: 'phone',
  type: 'text',
  body: { text: `text ${seq}` },
  recalled: false,
  edited: null,
  silent: false,
  ...more,
});
const control = (seq: number, from = 'bob'): Message =>
  message(seq, { from, type: 'control', body: { op: 'reaction', seq: 1, by: from }, silent: true });

const wish = (action: Wish['action'], by: string, at: number, more: object, answer = true): Wish => ({
  by,
  deviceId: 'phone',
  action,
  frame: { action, ...more },
  askedAt: at,
  ...(answer && { answeredAt: at + 10 }),
});
const react = (at: number, more: object = {}, answer = true) =>
  wish('react', 'bob', at, { conversationId, seq: 1, emoji: '👍', ...more }, answer);
const refusedReaction = (at: number, code: string, more: object = {}): Wish => ({
  ...react(at, more),
  code,
  reason: 'too much contention',
});
const takeBack = (at: number, answer = true) => react(at, { remove: true }, answer);

const ofBob = (mine: boolean): Reaction => ({ emoji: '👍', count: 1, users: ['bob'], mine });

function history(messages: (reader: string) => Message[], wishes: Wish[], more: Partial<RunHistory> = {}) {
  const truths = ['alice', 'bob'].map((userId): Truth => {
    const slots = messages(userId);
    const place = { floorSeq: 1, joinedSeq: 0, cutoverSeq: Infinity, headSeq: slots.length };
    return {
      userId,
      conversationId,
      members: ['alice', 'bob'],
      slots,
      ...place,
      unread: 0,
      readSeq: 0,
      peerReadSeq: 0,
    };
  });
  const empty = { sent: [], waiting: [], devices: [], plain: [], mailboxes: [], groups: [], asked: [] };
  return {
    seed: 1,
    ...empty,
    poison: { put: 0, givenUp: 0 },
    sleepers: [],
    notified: [],
    reactionLimits: { emoji: 2, reactions: 2 },
    truths,
    wishes,
    ...more,
  } satisfies RunHistory;
}
const reacted = (reader: string) => [message(1, { reactions: [ofBob(reader === 'bob')] }), control(2)];
const bare = () => [message(1), control(2)];

const bobKeeps = (reactions?: Reaction[]): DeviceHistory => ({
  userId: 'bob',
  deviceId: 'phone',
  told: [],
  shown: [],
  changes: [],
  marked: [],
  listed: [],
  journal: [],
  kept: [
    {
      conversationId,
      seq: 1,
      from: 'alice',
      clientMsgId: 'message-1',
      text: 'text 1',
      ...(reactions && { reactions }),
    },
  ],
});
const whats = (violations: Violation[]) => violations.map(({ what }) => what).join('\n');

describe('P5.12a: all is well when', () => {
  const good: [string, RunHistory][] = [
    [
      'what was answered stands, and is shown',
      history(reacted, [react(1)], { devices: [bobKeeps([ofBob(true)])] }),
    ],
    [
      'a device was not told of what was never answered',
      history(reacted, [react(1, {}, false)], { devices: [bobKeeps()] }),
    ],
    ['what was never answered stands', history(reacted, [react(1, {}, false)])],
    ['what was never answered does not', history(bare, [react(1, {}, false)])],
    ['it was taken back, and given again', history(reacted, [react(1), takeBack(20), react(40)])],
    ['it was taken back at the same time', history(bare, [react(1), takeBack(5)])],
    ['a late copy of it came after it was taken back', history(reacted, [react(1, {}, false), takeBack(20)])],
    ['the message was recalled', history(() => [message(1, { recalled: true, body: {} })], [react(1)])],
    [
      'two copies, and what else was going on, took a number each',
      history(
        (reader) => [...reacted(reader), control(3)],
        [react(1), react(2), react(3, { emoji: '🎉' }, false)],
      ),
    ],
    [
      'two copies, with many reactions to other messages between them, took a number each',
      history(
        (reader) => [...reacted(reader), control(3)],
        [react(1), react(20, { seq: 4 }, false), react(40, { seq: 5 }, false), react(60)],
      ),
    ],
    [
      'one more than it takes was refused',
      history(bare, [
        react(1, {}, false),
        react(20, { emoji: '🎉' }, false),
        refusedReaction(40, 'too_large', { emoji: '❤️' }),
      ]),
    ],
    [
      'so many met that one was refused',
      history(bare, [
        refusedReaction(20, 'unavailable'),
        ...Array.from({ length: 7 }, (_, n) => react(n, { emoji: `${n}` }, false)),
      ]),
    ],
  ];
  test.each(good)('%s', (_, run) => {
    expect(whats(checkReactions(run))).toBe('');
  });
});

describe('P5.12a: a violation is seen when', () => {
  const broken: [string, string, RunHistory][] = [
    ['an answered one is lost', 'was answered', history(bare, [react(1)])],
    ['nobody asked for one', 'nobody wants', history(reacted, [])],
    ['one was taken back, and stands', 'nobody wants', history(reacted, [react(1), takeBack(20)])],
    [
      'the count is not that of the users',
      'counts 2',
      history(
        (reader) => [message(1, { reactions: [{ ...ofBob(reader === 'bob'), count: 2 }] })],
        [react(1)],
      ),
    ],
    [
      'somebody is told that it is theirs',
      'says true',
      history(() => [message(1, { reactions: [ofBob(true)] })], [react(1)]),
    ],
    [
      'a recalled message has one',
      'recalled',
      history(
        (reader) => [message(1, { recalled: true, body: {}, reactions: [ofBob(reader === 'bob')] })],
        [react(1)],
      ),
    ],
    [
      'one took two numbers',
      '2 control messages',
      history((reader) => [...reacted(reader), control(3)], [react(1), react(2)]),
    ],
    [
      'one took two numbers, with another message between',
      '2 control messages',
      history((reader) => [...reacted(reader), control(3)], [react(1), react(20, { seq: 4 }), react(40)]),
    ],
    [
      'a control message has no cause',
      '2 control messages',
      history((reader) => [...reacted(reader), control(3)], [react(1)]),
    ],
    [
      'it has more than it takes',
      '3 reactions',
      history(() => [message(1, { reactions: [{ ...ofBob(true), count: 3 }] })], []),
    ],
    [
      'one was refused for what had been taken back',
      'was full for bob of at most 0',
      history(bare, [react(1), takeBack(20), refusedReaction(40, 'too_large', { emoji: '🎉' })]),
    ],
    [
      'one was refused for others, and met none',
      'met too many',
      history(bare, [refusedReaction(1, 'unavailable'), react(2)]),
    ],
    ['a device does not show it', 'for bob/phone', history(reacted, [react(1)], { devices: [bobKeeps()] })],
  ];
  test.each(broken)('%s', (_, what, run) => {
    expect(whats(checkReactions(run))).toContain(what);
  });
});

/** Alice's first message, sent at that time. */
const sent: Sent = {
  userId: 'alice',
  deviceId: 'phone',
  conversationId,
  clientMsgId: 'message-1',
  text: 'text 1',
  silent: false,
  outcome: 'sent',
  seqs: [1],
};
const send = (at: number, code?: string): Wish => ({
  ...wish('send', 'alice', at, { clientMsgId: 'message-1' }),
  ...(code !== undefined && { code }),
});
const block = (at: number, answer = true) => wish('block', 'bob', at, { userId: 'alice' }, answer);
const unblock = (at: number, answer = true) => wish('unblock', 'bob', at, { userId: 'alice' }, answer);
const stored = (...wishes: Wish[]) => history(() => [message(1)], wishes, { sent: [sent] });
const refused = (...wishes: Wish[]) => history(() => [], wishes, { sent: [sent] });

describe('P5.34: all is well when', () => {
  const good: [string, RunHistory][] = [
    ['somebody is blocked and refused', refused(block(1), send(20, 'blocked'))],
    ['nobody knows whether they are blocked', refused(block(1, false), send(20, 'blocked'))],
    ['they are blocked, and not yet refused, at the same time', stored(block(1), send(5))],
    ['they may be unblocked meanwhile', stored(block(1), unblock(20, false), send(40))],
    ['it was stored before', stored(send(1), block(20))],
    [
      'it was stored before, with an answer that nobody heard',
      stored(send(1), block(20), wish('send', 'alice', 2, { clientMsgId: 'message-1' }, false)),
    ],
    ['they are unblocked', stored(block(1), unblock(20), send(40))],
  ];
  test.each(good)('%s', (_, run) => {
    expect(whats(checkBlocks(run))).toBe('');
  });
});

describe('P5.34: a violation is seen when', () => {
  const broken: [string, string, RunHistory][] = [
    ['who is blocked sends', 'was blocked', stored(block(1), send(20))],
    ['who was unblocked, and blocked again, sends', 'was blocked', stored(unblock(1), block(20), send(40))],
    ['nobody blocks, and a send is refused', 'unblocked', refused(send(20, 'blocked'))],
    ['who was unblocked is refused', 'unblocked', refused(block(1), unblock(20), send(40, 'blocked'))],
    ['what was refused is stored', 'refused, and is stored', stored(block(1), send(20, 'blocked'))],
  ];
  test.each(broken)('%s', (_, what, run) => {
    expect(whats(checkBlocks(run))).toContain(what);
  });
});

test('P5.34: two of whom one blocks the other are not compared in what they know of reading, others are', () => {
  const pair = { conversationId, userId: 'alice' };
  expect(hidesReading(stored(block(1)), pair)).toBe(true);
  expect(hidesReading(stored(block(1)), { ...pair, userId: 'bob' })).toBe(true);
  expect(hidesReading(stored(block(1), unblock(20)), pair)).toBe(false);
});

test('of frames that are sent several times at once each is answered, and what took long may not be over', () => {
  let now = 0;
  const log = new WishLog({ now: () => now } as ConstructorParameters<typeof WishLog>[0], 'bob', 'phone');
  const seen = log.connection();
  const frame = { action: 'block', id: '1', userId: 'alice' };
  for (const one of [frame, frame, { action: 'ping', id: '2' }]) seen.leave(one);
  now = 10;
  seen.hear({ id: '1', ok: true });
  now = 900;
  seen.hear({ id: '1', error: { code: 'unavailable' } });
  expect(log.wishes).toMatchObject([{ answeredAt: 10 }, { answeredAt: 900, code: 'unavailable' }]);
  expect(log.wishes.map(overAt)).toEqual([10, Infinity]);
  expect(overAt({ ...block(0), answeredAt: 900 })).toBe(Infinity);
});
