// Reactions as they stand in the item of their message: a set of users for each emoji, and how many there are of both.
// So whoever reads a message has its reactions, and one without has nothing of them.
import type { Reaction } from '../protocol/messages.ts';
import type { Item } from './database.ts';
import { reactionAttributes, reactionEmoji } from './tables.ts';

/** Users that an answer names of each emoji. */
const MAX_NAMED = 20;

export function usersOf(item: Item, attribute: string): ReadonlySet<string> {
  return (item[attribute] as Set<string> | undefined) ?? new Set();
}

/** Nothing at all for a message without; the most used first. */
export function reactionsOf(item: Item, viewer: string): { reactions?: Reaction[] } {
  const attributes = reactionAttributes(item);
  if (attributes.length === 0) return {};
  const reactions = attributes.map((attribute): Reaction => {
    const users = usersOf(item, attribute);
    return {
      emoji: reactionEmoji(attribute),
      count: users.size,
      users: [...users].toSorted().slice(0, MAX_NAMED),
      mine: users.has(viewer),
    };
  });
  return { reactions: reactions.toSorted((left, right) => right.count - left.count || compare(left, right)) };
}

const compare = (left: Reaction, right: Reaction) => (left.emoji < right.emoji ? -1 : 1);
