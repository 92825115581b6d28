// Conversation ids as in protocol/ids.ts, without the schemas there: a browser need not load them.
import type { ConversationRef } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';

const idPattern = /^[\w.@-]+$/;
const targetPattern = /^user:/;

export function parseConversationId(value: string): ConversationRef | undefined {
  const [prefix, ...ids] = value.split(':');
  const [first, second] = ids;
  if (!ids.every(isId) || first === undefined) return undefined;
  if (prefix === 'g' && ids.length === 1) return { kind: 'group', conversationId: value };
  if (prefix !== 'd' || ids.length !== 2 || second === undefined || second < first) return undefined;
  return { kind: 'direct', conversationId: value, users: [first, second] };
}

/** The conversation that `user:<userId>` or a conversation id names, if it is either. */
export function parseTarget(target: string, userId: string): ConversationRef | undefined {
  const users = [target.replace(targetPattern, ''), userId].toSorted();
  return parseConversationId(targetPattern.test(target) ? `d:${users.join(':')}` : target);
}

function isId(value: string): boolean {
  return value.length <= limits.userId && idPattern.test(value);
}
