// Whom a user keeps: entries of their own, under names of their own, on all of their devices. Nobody else sees them.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import { findItem, type Item } from '../database.ts';
import { appendEvent } from '../events.ts';
import { expiryAfter } from '../expiry.ts';
import { contactItems, contactKey, mailboxKey, ttlAttribute } from '../tables.ts';
import { toContact } from './kept-contacts.ts';
import { readPage } from './pages.ts';

type ContactRequest = ClientFrame<'contact'>;

/** Other devices of this user that change it at the same time. */
const MAX_ROUNDS = 8;

export async function contact(
  ctx: Context,
  caller: Caller,
  request: ContactRequest,
): Promise<Answer<'contact'> | Refusal> {
  const { userId } = caller;
  const key = contactKey(userId, request.userId);
  const items = await ctx.db.batchGet('Users', [key, mailboxKey(request.userId)]);
  let item = findItem(items, key);
  if (!item && !findItem(items, mailboxKey(request.userId))) {
    return refuse('user_not_found', `userId: there is no user ${request.userId}`);
  }
  for (let round = 1; ; round++) {
    const change = changeOf(ctx, request, item);
    if (!change) break;
    if (round > MAX_ROUNDS) {
      return refuse('unavailable', 'the contact is being changed by another device, try again');
    }
    const written = await write(ctx, userId, request.userId, change, numberOf(item, 'version'));
    item = written.item;
    if (!written.ok) await ctx.backOff(round);
  }
  const now = item && toContact(item);
  await tell(ctx, userId, request.userId, item);
  return { ok: true, ...now };
}

/** In the order of their ids. */
export async function contacts(
  ctx: Context,
  { userId }: Caller,
  request: ClientFrame<'contacts'>,
): Promise<Answer<'contacts'>> {
  const { found, ...page } = await readPage(ctx, userId, contactItems, request, toContact);
  return { ok: true, contacts: found, ...page };
}

/** An update of the item; `undefined`: it is as wanted already. */
interface Change {
  readonly set: Item;
  readonly remove: readonly string[];
}

function changeOf(ctx: Context, request: ContactRequest, item: Item | undefined): Change | undefined {
  const present = item && toContact(item);
  // Above what any item of this name has had, also one that is forgotten by now: each change has an entry of its own.
  const version = Math.max(numberOf(item, 'version') + 1, Math.floor(ctx.now() / 1_000));
  if (request.remove) {
    if (!present) return undefined;
    const expiresAt = expiryAfter(ctx, ctx.settings.mailboxRetentionDays);
    return { set: { version, [ttlAttribute]: expiresAt }, remove: ['since', 'alias', 'starred'] };
  }
  const alias = request.alias ?? present?.alias ?? '';
  const starred = request.starred ?? present?.starred ?? false;
  if (present && alias === (present.alias ?? '') && starred === present.starred) return undefined;
  return {
    set: {
      version,
      since: present?.since ?? ctx.now(),
      ...(alias !== '' && { alias }),
      ...(starred && { starred }),
    },
    remove: [ttlAttribute, ...(alias === '' ? ['alias'] : []), ...(starred ? [] : ['starred'])],
  };
}

function write(ctx: Context, userId: string, user: string, { set, remove }: Change, seen: number) {
  const sets = Object.keys(set).map((name) => `#${name} = :${name}`);
  const removes = remove.map((name) => `#${name}`);
  return ctx.db.update({
    table: 'Users',
    key: contactKey(userId, user),
    update: `SET ${sets.join(', ')} REMOVE ${removes.join(', ')}`,
    condition: seen === 0 ? 'attribute_not_exists(#version)' : '#version = :seen',
    values: { ...set, ...(seen > 0 && { seen }) },
    returning: 'ALL_NEW',
  });
}

/** Also of what was changed before by a try that died here. */
async function tell(ctx: Context, userId: string, user: string, item: Item | undefined): Promise<void> {
  const version = numberOf(item, 'version');
  if (!item || numberOf(item, 'toldVersion') >= version) return;
  const now = toContact(item);
  await appendEvent(
    ctx,
    userId,
    { userId: user, version },
    { kind: 'contact', userId: user, ...(now && { contact: now }) },
  );
  await ctx.db.update({
    table: 'Users',
    key: contactKey(userId, user),
    update: 'SET #toldVersion = :version',
    condition:
      'attribute_exists(#userId) AND (attribute_not_exists(#toldVersion) OR #toldVersion < :version)',
    values: { version },
  });
}

const numberOf = (item: Item | undefined, name: string) => (item?.[name] as number | undefined) ?? 0;
