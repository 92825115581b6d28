// Identifiers of the wire protocol: their shapes, and how a conversation is named after its users. Imports no library,
// for a browser loads this too.
import { clientLimits } from './client-limits.ts';

export const platforms = ['ios', 'android', 'web', 'desktop', 'bot'] as const;
export type Platform = (typeof platforms)[number];

export const idPattern = /^[A-Za-z0-9_.@-]+$/;
const USER_PREFIX = 'user:';

export type ConversationRef =
  | { readonly kind: 'direct'; readonly conversationId: string; readonly users: readonly [string, string] }
  | { readonly kind: 'group'; readonly conversationId: string };

/** `d:<userA>:<userB>`, the two in code-unit order. */
export function directConversationId(userA: string, userB: string): string {
  return userA < userB ? `d:${userA}:${userB}` : `d:${userB}:${userA}`;
}

const GROUP_PREFIX = 'g:';
export const groupConversationId = (id: string) => `${GROUP_PREFIX}${id}`;
/** Of conversation ids; that they are some was checked before. */
export const isGroupId = (conversationId: string) => conversationId.startsWith(GROUP_PREFIX);

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

/** The conversation that `user:<userId>` or a conversation id names, seen by `userId`; `undefined` when it is neither. */
export function parseTarget(target: string, userId: string): ConversationRef | undefined {
  return parseConversationId(
    target.startsWith(USER_PREFIX) ? directConversationId(userId, target.slice(USER_PREFIX.length)) : target,
  );
}

/** The conversation that a valid target names, seen by `userId`. */
export function resolveTarget(target: string, userId: string): ConversationRef {
  return parseTarget(target, userId)!;
}

/** Of a user, as of a device or a group. */
export function isId(value: string): boolean {
  return value.length <= clientLimits.userId && idPattern.test(value);
}
