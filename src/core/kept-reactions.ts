// Reactions as they stand in the item of their message: a set of users for each emoji, and how many there are of both.
// So whoever reads a message has its reactions, and one without has nothing of them.
import type { Reaction } from '../protocol/messages.ts';
import type { Item } from './database.ts';
import type { ReactionNumber } from './reaction-numbers.ts';
import { reactionAttributes, reactionEmoji } from './tables.ts';

/** The number under which a message's reactions were told last. */
export interface Told extends ReactionNumber {
  /** The highest under which any were told, descending. */
  readonly highest: readonly number[];
}

/** More than there may be reactions at once. */
const REMEMBERED = 16;

/** Users that an answer names of each emoji. */
const MAX_NAMED = 20;

export function usersOf(item: Item, attribute: string): ReadonlySet<string> {
  return (item[attribute] as Set<string> | undefined) ?? new Set();
}

export function toldOf(item: Item): Told | undefined {
  const told = item['reacted'] as (ReactionNumber & Partial<Told>) | undefined;
  return told && { highest: [told.seq], ...told };
}

export function toldUnder(number: ReactionNumber, before: Told | undefined): Told {
  const highest = [number.seq, ...(before?.highest ?? [])].toSorted((left, right) => right - left);
  return { ...number, highest: highest.slice(0, REMEMBERED) };
}

/** Reactions were told under it, or may have been. */
export function isSpent(seq: number, told: Told | undefined): boolean {
  const { highest = [] } = told ?? {};
  return highest.includes(seq) || (highest.length === REMEMBERED && seq < highest.at(-1)!);
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
