// Whether a user shows how far they have read stands beside that, in each of their conversations, so that nobody who looks
// there has to look for it. A change is written to all of them; and noted last, so that a repeat finishes it.
import pLimit from 'p-limit';
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { memberPlace } from '../members.ts';
import { mailboxKey } from '../tables.ts';
import { readViews } from '../views.ts';
import { toPreferences } from './wishes.ts';

/** Of a user with more, those that come first by id. */
const MAX_CONVERSATIONS = 10_000;
const MAX_WRITING = 32;
/** Changes by other devices meanwhile: whoever finds one writes what holds by then, after whatever they wrote. */
const MAX_ROUNDS = 8;

/** @returns the mailbox head after it; `undefined`: it changed again and again. */
export async function spreadReceipts(ctx: Context, head: Item): Promise<Item | undefined> {
  let now = head;
  if (versionOf(now) === numberOf(now, 'receiptsSpread')) return now;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const version = versionOf(now);
    await writeEverywhere(ctx, now['userId'] as string, !toPreferences(now).receipts);
    now = await noteSpread(ctx, now, version);
    if (versionOf(now) === version) return now;
  }
  return undefined;
}

async function writeEverywhere(ctx: Context, userId: string, hidesReads: boolean): Promise<void> {
  const views = await readViews(ctx, userId, MAX_CONVERSATIONS);
  const limit = pLimit(MAX_WRITING);
  await Promise.all(
    [...views.keys()].map((conversationId) =>
      limit(async () => {
        const place = memberPlace(conversationId, userId);
        if (!place) return;
        await ctx.db.update({
          table: 'Conversations',
          key: place.key,
          update: hidesReads ? 'SET #hidesReads = :one' : 'REMOVE #hidesReads',
          condition: 'attribute_exists(#conversationId)',
          names: { ...place.names },
          ...(hidesReads && { values: { one: 1 } }),
        });
      }),
    ),
  );
}

async function noteSpread(ctx: Context, head: Item, version: number): Promise<Item> {
  const written = await ctx.db.update({
    table: 'Users',
    key: mailboxKey(head['userId'] as string),
    update: 'SET #receiptsSpread = :version',
    condition:
      'attribute_exists(#userId) AND (attribute_not_exists(#receiptsSpread) OR #receiptsSpread < :version)',
    values: { version },
    returning: 'ALL_NEW',
  });
  return written.item ?? head;
}

const numberOf = (item: Item, name: string) => (item[name] as number | undefined) ?? 0;
const versionOf = (head: Item) => numberOf(head, 'receiptsVersion');
