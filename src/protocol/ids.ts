// Identifiers of the wire protocol: their shapes, and how a conversation is named after its users.
import * as v from 'valibot';
import { limits } from './limits.ts';

export const platforms = ['ios', 'android', 'web', 'desktop', 'bot'] as const;
export type Platform = (typeof platforms)[number];

const idPattern = /^[A-Za-z0-9_.@-]+$/;
const idCharacters = 'letters, digits and _ . @ -';

export const userIdSchema = v.pipe(
  v.string(),
  v.nonEmpty('must not be empty'),
  v.maxLength(limits.userId, `must have at most ${limits.userId} characters`),
  v.regex(idPattern, `may hold only ${idCharacters}`),
);

export const deviceIdSchema = v.pipe(
  v.string(),
  v.nonEmpty('must not be empty'),
  v.maxLength(limits.deviceId, `must have at most ${limits.deviceId} characters`),
  v.regex(idPattern, `may hold only ${idCharacters}`),
);

// The reason is made when it is needed, so that bundles which need no platforms leave this out.
export const platformSchema = v.picklist(platforms, () => `must be one of ${platforms.join(', ')}`);

/** Idempotency key of a message, made by the client and kept over retries. */
export const clientMsgIdSchema = v.pipe(
  v.string(),
  v.minLength(limits.clientMsgId.min, `must have at least ${limits.clientMsgId.min} characters`),
  v.maxLength(limits.clientMsgId.max, `must have at most ${limits.clientMsgId.max} characters`),
  v.regex(/^[A-Za-z0-9_-]+$/, 'may hold only letters, digits, _ and -'),
);

export type ConversationRef =
  | { readonly kind: 'direct'; readonly conversationId: string; readonly users: readonly [string, string] }
  | { readonly kind: 'group'; readonly conversationId: string };

/** `d:<userA>:<userB>`, the two in code-unit order. */
export function directConversationId(userA: string, userB: string): string {
  return userA < userB ? `d:${userA}:${userB}` : `d:${userB}:${userA}`;
}

/** Reads a conversation id; `undefined` when it is not one. */
export function parseConversationId(value: string): ConversationRef | undefined {
  const [prefix, first, second, ...rest] = value.split(':');
  if (rest.length > 0 || !first || !isId(first)) return undefined;
  if (prefix === 'g' && second === undefined) return { kind: 'group', conversationId: value };
  if (prefix !== 'd' || !second || !isId(second) || second < first) return undefined;
  return { kind: 'direct', conversationId: value, users: [first, second] };
}

/** The other user of a direct conversation (oneself, in a conversation with oneself). */
export function peerOf(users: readonly [string, string], userId: string): string {
  return users[0] === userId ? users[1] : users[0];
}

export const conversationIdSchema = v.pipe(
  v.string(),
  v.check(
    (value) => parseConversationId(value) !== undefined,
    'must be d:<userA>:<userB> with the two users in code-unit order, or g:<id>',
  ),
);

/** Where a message goes: `user:<userId>` or a conversation id. */
export const targetSchema = v.pipe(
  v.string(),
  v.check(
    (value) =>
      value.startsWith(USER_PREFIX)
        ? v.is(userIdSchema, value.slice(USER_PREFIX.length))
        : parseConversationId(value) !== undefined,
    'must be user:<userId> or a conversation id',
  ),
);

const USER_PREFIX = 'user:';

/** The conversation that a valid target names, seen by `userId`. */
export function resolveTarget(target: string, userId: string): ConversationRef {
  const conversationId = target.startsWith(USER_PREFIX)
    ? directConversationId(userId, target.slice(USER_PREFIX.length))
    : target;
  return parseConversationId(conversationId)!;
}

function isId(value: string): boolean {
  return value.length <= limits.userId && idPattern.test(value);
}
