// Reactions as they stand in the item of their message: a set of users for each emoji, and how many there are of both.
// So whoever reads a message has its reactions, and one without has nothing of them.
import type { Reaction } from '../protocol/messages.ts';
import type { Caller } from './context.ts';
import type { Item } from './database.ts';
import type { ReactionNumber } from './reaction-numbers.ts';
import { reactionAttributes, reactionEmoji } from './tables.ts';

/** Of the numbers under which a message's reactions were told it knows the highest: so many at least. */
const REMEMBERED = 16;
/** And so many at most. */
const FORGETTING_FROM = 32;

/** Users that an answer names of each emoji. */
const MAX_NAMED = 20;

export function usersOf(item: Item, attribute: string): ReadonlySet<string> {
  return (item[attribute] as Set<string> | undefined) ?? new Set();
}

/** Who tells of a change, and from where. */
export type Author = Pick<Caller, 'userId' | 'deviceId'>;

/** The number under which they were told last, and whose it is; that is not known of the oldest. */
export type Told = ReactionNumber & { readonly author?: Author };

export const lastTold = (item: Item) => item['reacted'] as Told | undefined;

/** Those that the message knows, descending. */
function toldNumbers(item: Item): number[] {
  const told = (item['told'] as Set<string> | undefined) ?? new Set();
  return [...told].map(decode).toSorted(descending);
}

/** The highest; 0: nobody ever reacted. */
export const highestTold = (item: Item) => toldNumbers(item)[0] ?? lastTold(item)?.seq ?? 0;

/** Reactions were told under it, or may have been. */
export function isSpent(seq: number, item: Item): boolean {
  const told = toldNumbers(item);
  return told.includes(seq) || (told.length >= REMEMBERED && seq < told.at(-1)!);
}

/** Parts of an update that tells of reactions under this number, and of its condition, as of `spending`. */
export function tellingUnder(number: ReactionNumber, { userId, deviceId }: Author, item: Item) {
  const { sets, values, ...parts } = spending(number.seq, item);
  const told: Told = { ...number, author: { userId, deviceId } };
  return { ...parts, sets: ['#reacted = :number', ...sets], values: { ...values, number: told } };
}

/** Parts of an update after which nothing is changed under this number, on condition that nothing was before. */
export function spending(seq: number, item: Item) {
  const told = toldNumbers(item);
  const forgets = told.length >= FORGETTING_FROM;
  const own = encode(seq);
  // Its own may not be among them: what is below them all is spent.
  const highest = [seq, ...told].toSorted(descending).slice(0, REMEMBERED);
  const pruned = item['pruned'] as number | undefined;
  return {
    sets: forgets ? ['#told = :told', '#pruned = if_not_exists(#pruned, :none) + :one'] : [],
    adds: forgets ? [] : ['#told :told'],
    conditions: [
      'NOT contains(#told, :own)',
      pruned === undefined ? 'attribute_not_exists(#pruned)' : '#pruned = :pruned',
      ...(forgets ? ['size(#told) = :size'] : []),
    ],
    values: {
      own,
      told: new Set(forgets ? highest.map(encode) : [own]),
      ...(pruned !== undefined && { pruned }),
      ...(forgets && { none: 0, one: 1, size: told.length }),
    },
  };
}

const descending = (left: number, right: number) => right - left;
const encode = (seq: number) => seq.toString(36);
const decode = (text: string) => Number.parseInt(text, 36);

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
