// What a user is shown others as: the name that they keep them under, else the one that those give themselves.
import type { Context } from '../context.ts';
import { findItem } from '../database.ts';
import { contactKey, profileKey } from '../tables.ts';
import { toContact } from './kept-contacts.ts';

/** Who has no name but their userId is missing. */
export async function readNames(
  ctx: Context,
  userId: string,
  users: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const distinct = [...new Set(users)];
  const keys = distinct.flatMap((user) => [contactKey(userId, user), profileKey(user)]);
  const items = await ctx.db.batchGet('Users', keys, 'eventual');
  const names = distinct.flatMap((user): [string, string][] => {
    const kept = findItem(items, contactKey(userId, user));
    const profile = findItem(items, profileKey(user));
    const name = (kept && toContact(kept)?.alias) ?? (profile?.['name'] as string | undefined);
    return name === undefined ? [] : [[user, name]];
  });
  return new Map(names);
}
