// What those who are not concerned try, action by action, and what is to come of it: test/e2e/intruders.test.ts does it.
import { expect } from 'vitest';
import type { Action } from '../../src/protocol/client-frames.ts';
import type { TestClient } from './client.ts';
import { aPicture } from './files.ts';

/** Stands in all that intruders are not to see: bodies, names of files and groups, drafts, aliases. */
export const SECRET = 'quetzal';
export const DIRECT = 'd:alice:bob';
export const BLOCKED = 'd:alice:brute';

/** Whom an intruder goes for, and where. */
export interface Place {
  readonly client: TestClient;
  readonly userId: string;
  readonly conversationId: string;
  readonly group: string;
  /** A message of alice's there, and one of the intruder's own, from when they might write. */
  readonly seq: number;
  readonly own: number;
  /** A file of alice's there, which is not for them. */
  readonly media: string;
}

/** A code, or the whole answer beside `id` and `ok`; `noAnswer`: it is one-way. */
export type Outcome = string | Record<string, unknown>;
export const noAnswer = 'no answer';

export interface Attempt {
  readonly fields: (place: Place) => Record<string, unknown>;
  /** By each intruder; the strangers' alike in a direct conversation and in a group. */
  readonly stranger: Outcome;
  readonly blocked: Outcome;
  readonly removed: Outcome;
}

/** What is one's own, or for everybody by the protocol, is answered alike to all of them. */
const toAll = (outcome: Outcome, fields: Attempt['fields'] = () => ({})): Attempt => ({
  fields,
  stranger: outcome,
  blocked: outcome,
  removed: outcome,
});
/** What a blocked one may do in their own conversation with who blocks them. */
const toBlocked = (blocked: Outcome, fields: Attempt['fields']): Attempt => ({
  fields,
  stranger: 'not_member',
  blocked,
  removed: 'not_member',
});

const any = {
  number: expect.any(Number) as number,
  string: expect.any(String) as string,
};
const here = ({ conversationId }: Place) => ({ conversationId });
const inGroup = ({ group }: Place) => ({ conversationId: group });
const text = { type: 'text', body: { text: 'let me in' } };
const own = { conversationId: BLOCKED, seq: 1, from: 'brute', body: { text: 'rude' } };
const known = { conversationId: BLOCKED, seq: 2, from: 'alice', body: { text: 'leave me alone' } };
const like = (message: object) => expect.objectContaining(message) as unknown;
const ofAlice = { online: true, platforms: ['ios'], userId: 'alice' };
const away = { online: false, platforms: [], userId: 'alice' };
const settings = { pinned: false, muted: false, hidden: false, clearedSeq: 0, draft: '' };
const presence = {
  stranger: { users: [ofAlice] },
  blocked: { users: [away] },
  removed: { users: [ofAlice] },
};
const onAlice = () => ({ users: ['alice'] });

/** In the order of the record: what comes first has not been there before. */
export const attempts: Record<Action, readonly Attempt[]> = {
  send: [
    toBlocked('blocked', ({ conversationId: to }) => ({ to, clientMsgId: 'intruding', ...text })),
    toBlocked('blocked', ({ conversationId: to }) => ({
      to,
      clientMsgId: 'in-passing',
      ...text,
      ephemeral: true,
    })),
    toBlocked('blocked', ({ conversationId: to, seq: replyTo }) => ({
      to,
      clientMsgId: 'answering',
      ...text,
      replyTo,
    })),
  ],
  sync: [
    {
      fields: () => ({ after: 0, limit: 200 }),
      stranger: { events: [], next: 0, head: 0, more: false, mailbox: any.string },
      blocked: {
        events: [own, known].map((message, index) => ({
          syncSeq: index + 1,
          kind: 'message',
          message: like(message),
        })),
        next: 2,
        head: 2,
        more: false,
        mailbox: any.string,
      },
      // What was said while she was in, as it was; of what was edited since, nothing.
      removed: {
        events: [
          { syncSeq: 1, kind: 'conversation', conversationId: any.string, change: 'joined' },
          like({ message: like({ type: 'control', seq: 1 }) }),
          like({ message: expect.not.objectContaining({ reactions: expect.anything() }) }),
          { syncSeq: 4, kind: 'message', message: { conversationId: any.string, seq: 3, void: true } },
          like({ message: like({ type: 'image', seq: 4 }) }),
          { syncSeq: 6, kind: 'conversation', conversationId: any.string, change: 'removed' },
        ],
        next: 6,
        head: 6,
        more: false,
        mailbox: any.string,
      },
    },
  ],
  ack: [toAll(noAnswer, () => ({ cursor: 1 }))],
  pending: [
    {
      fields: () => ({ after: 0 }),
      stranger: { total: 0, conversations: [], more: false, head: 0, cursor: 0 },
      blocked: {
        total: 1,
        conversations: [{ conversationId: BLOCKED, unread: 1, waiting: 1, lastSeq: 2, last: like(known) }],
        more: false,
        head: 2,
        cursor: 0,
      },
      removed: { total: 2, conversations: [], more: true, head: 6, cursor: 0 },
    },
  ],
  history: [
    toBlocked({ messages: [like(own), like(known)], floorSeq: 1, headSeq: 2, end: true }, here),
    toBlocked({ messages: [like(own), like(known)], floorSeq: 1, headSeq: 2, end: true }, (place) => ({
      ...here(place),
      around: 1,
    })),
  ],
  read: [toBlocked({ readSeq: 1, unread: 1 }, (place) => ({ ...here(place), seq: 1 }))],
  positions: [
    {
      fields: ({ conversationId, group }) => ({ conversationIds: [conversationId, group] }),
      stranger: { positions: [] },
      // Not how far alice has read.
      blocked: { positions: [{ conversationId: BLOCKED, readSeq: 1, unread: 1, lastSeq: 2 }] },
      removed: { positions: [] },
    },
  ],
  receipts: [
    toBlocked(
      { readCount: 0, unreadCount: 1, read: [], unread: [{ userId: 'alice', readSeq: 0 }] },
      ({ own: seq, ...place }) => ({ conversationId: place.conversationId, seq }),
    ),
  ],
  recall: [toBlocked('forbidden', ({ conversationId, seq }) => ({ conversationId, seq }))],
  edit: [
    toBlocked('forbidden', ({ conversationId, seq }) => ({
      conversationId,
      seq,
      clientMsgId: 'of-another',
      body: text.body,
    })),
    toBlocked('blocked', ({ conversationId, own: seq }) => ({
      conversationId,
      seq,
      clientMsgId: 'their-own',
      body: text.body,
    })),
  ],
  react: [
    toBlocked('blocked', ({ conversationId, seq }) => ({ conversationId, seq, emoji: 'x' })),
    toBlocked('blocked', ({ conversationId, seq }) => ({ conversationId, seq, emoji: SECRET, remove: true })),
  ],
  conversations: [
    {
      fields: () => ({}),
      stranger: { conversations: [] },
      blocked: {
        conversations: [
          {
            ...settings,
            conversationId: BLOCKED,
            kind: 'direct',
            peer: 'alice',
            last: like(known),
            lastSeq: 2,
            unread: 1,
            readSeq: 1,
            floorSeq: 1,
          },
        ],
      },
      removed: { conversations: [] },
    },
    toAll({ conversations: [] }, () => ({ hidden: true })),
  ],
  unread: [
    {
      fields: () => ({}),
      stranger: { total: 0, muted: 0, complete: true },
      blocked: { total: 1, muted: 0, complete: true },
      removed: { total: 0, muted: 0, complete: true },
    },
  ],
  settings: [
    toBlocked(settings, here),
    toBlocked({ ...settings, draft: 'mine' }, (place) => ({ ...here(place), draft: 'mine' })),
  ],
  search: [
    {
      fields: () => ({ query: SECRET }),
      stranger: { hits: [], scanned: 0 },
      blocked: { hits: [], scanned: 2 },
      removed: { hits: [], scanned: 0 },
    },
    toBlocked({ hits: [], scanned: 2 }, (place) => ({ ...here(place), query: SECRET })),
  ],
  device: [toAll({}, ({ userId }) => ({ pushToken: `of the intruder ${userId}` }))],
  ping: [
    {
      fields: () => ({}),
      stranger: { head: 0, serverTime: any.number, mailbox: any.string },
      // Settings of their own.
      blocked: { head: 3, serverTime: any.number, mailbox: any.string },
      removed: { head: 6, serverTime: any.number, mailbox: any.string },
    },
  ],
  createGroup: [
    {
      // Named as alice's: that makes one of their own, in which who blocks them is not.
      fields: ({ userId }) => ({
        clientGroupId: 'the-group',
        title: 'Mine',
        members: userId === 'brute' ? ['alice'] : [],
      }),
      stranger: like({ conversationId: expect.stringMatching(/^g:/), skipped: [] }) as Record<
        string,
        unknown
      >,
      blocked: { conversationId: any.string, skipped: [{ userId: 'alice', reason: 'blocked' }] },
      removed: { conversationId: any.string, skipped: [] },
    },
  ],
  group: [toAll('not_member', inGroup)],
  members: [toAll('not_member', inGroup)],
  addMembers: [toAll('not_member', (place) => ({ ...inGroup(place), users: [place.userId] }))],
  removeMembers: [toAll('not_member', (place) => ({ ...inGroup(place), users: ['bob'] }))],
  leaveGroup: [toAll('not_member', inGroup)],
  dismissGroup: [toAll('not_member', inGroup)],
  updateGroup: [toAll('not_member', (place) => ({ ...inGroup(place), title: 'Mine', mutedAll: true }))],
  setRole: [toAll('not_member', (place) => ({ ...inGroup(place), userId: place.userId, role: 'owner' }))],
  muteMember: [toAll('not_member', (place) => ({ ...inGroup(place), userId: 'bob', seconds: 60 }))],
  subscribe: [toAll({ heads: {} }, ({ group }) => ({ conversationIds: [group] }))],
  unsubscribe: [toAll({}, ({ group }) => ({ conversationIds: [group] }))],
  typing: [toBlocked('blocked', here)],
  preferences: [toAll({ presence: true, receipts: true, previews: true })],
  profile: [
    toAll({ userId: any.string, name: 'An intruder', avatar: '', custom: {}, version: 1 }, () => ({
      name: 'An intruder',
    })),
  ],
  // Profiles are for everybody (P5.30).
  profiles: [
    toAll({ users: [{ userId: 'alice', name: 'Alice', avatar: '', custom: {}, version: 1 }] }, onAlice),
  ],
  // An entry of their own, of which alice is not told.
  contact: [
    toAll({ userId: 'alice', starred: true, since: any.number }, () => ({ userId: 'alice', starred: true })),
  ],
  contacts: [toAll({ contacts: [{ userId: 'alice', starred: true, since: any.number }] })],
  block: [toAll({}, () => ({ userId: 'bob' }))],
  unblock: [toAll({}, () => ({ userId: 'bob' }))],
  // Not that alice blocks one of them.
  blocked: [toAll({ users: [] })],
  upload: [toBlocked('blocked', (place) => ({ ...here(place), ...aPicture }))],
  download: [
    toBlocked('not_found', ({ conversationId, media }) => ({ conversationId, media })),
    toAll('not_member', ({ media }) => ({ media })),
    // Named in another conversation.
    toAll('not_found', ({ media, seq }) => ({ media, seq, conversationId: 'd:alice:zoe' })),
  ],
  presence: [{ fields: onAlice, ...presence }],
  watchPresence: [{ fields: onAlice, ...presence }],
  unwatchPresence: [toAll({}, onAlice)],
};
