// A user's contacts as they are stored.
import type { Contact } from '../../protocol/server-frames.ts';
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { contactIdOf, contactKey } from '../tables.ts';

/** As they are now, by user; those that are none, or none any more, are missing. */
export async function readContacts(
  ctx: Context,
  userId: string,
  users: readonly string[],
): Promise<ReadonlyMap<string, Contact>> {
  const items = await ctx.db.batchGet(
    'Users',
    users.map((user) => contactKey(userId, user)),
  );
  const found = items.map(toContact).filter((one) => one !== undefined);
  return new Map(found.map((one) => [one.userId, one]));
}

/** `undefined`: it was removed. What is removed stays for a while, so that its removal is told however often that is tried. */
export function toContact(item: Item): Contact | undefined {
  const since = item['since'] as number | undefined;
  if (since === undefined) return undefined;
  const alias = item['alias'] as string | undefined;
  const starred = item['starred'] === true;
  return {
    userId: contactIdOf(item['item'] as string),
    ...(alias !== undefined && { alias }),
    starred,
    since,
  };
}
