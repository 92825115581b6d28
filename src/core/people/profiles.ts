// How users present themselves: a name, an avatar, and what an app keeps beside them. Everybody may read it.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer, Profile } from '../../protocol/server-frames.ts';
import { withinBytes } from '../answer-size.ts';
import type { Caller, Context } from '../context.ts';
import type { Item } from '../database.ts';
import { profileKey } from '../tables.ts';

/** Other devices of this user that change it at the same time. */
const MAX_ROUNDS = 8;

type ProfileChange = Partial<ClientFrame<'profile'>>;

/** Changes the caller's own, where it says something else; a change is one version. */
export async function profile(
  ctx: Context,
  caller: Pick<Caller, 'userId'>,
  request: ProfileChange,
): Promise<Answer<'profile'> | Refusal> {
  const { userId } = caller;
  let item = await ctx.db.get('Users', profileKey(userId), 'strong');
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const changed = changesOf(request, item);
    if (!changed) return { ok: true, ...toProfile(userId, item) };
    const written = await write(ctx, userId, changed, versionOf(item));
    if (written.ok) return { ok: true, ...toProfile(userId, written.item) };
    item = written.item;
    await ctx.backOff(round);
  }
  return refuse('unavailable', 'the profile is being changed by another device, try again');
}

/** Of these users, in the order asked; as many as one answer holds. */
export async function profiles(
  ctx: Context,
  _: Caller,
  { users }: ClientFrame<'profiles'>,
): Promise<Answer<'profiles'>> {
  const asked = [...new Set(users)];
  // What was changed a moment ago may be missing: half the price, of what clients keep for minutes anyway.
  const items = await ctx.db.batchGet('Users', asked.map(profileKey), 'eventual');
  const found = new Map(items.map((item) => [item['userId'] as string, item]));
  return { ok: true, users: withinBytes(asked.map((userId) => toProfile(userId, found.get(userId)))) };
}

/** Attributes that are to be other than they are; `undefined`: none are. */
function changesOf({ name, avatar, custom }: ProfileChange, item: Item | undefined): Item | undefined {
  // As text, so that it comes back with all its keys.
  const wanted = { name, avatar, custom: custom && JSON.stringify(custom) };
  const changed = Object.entries(wanted).filter(
    ([attribute, value]) => value !== undefined && value !== item?.[attribute],
  );
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

function write(ctx: Context, userId: string, changed: Item, seen: number) {
  const sets = Object.keys(changed).map((attribute) => `#${attribute} = :${attribute}`);
  return ctx.db.update({
    table: 'Users',
    key: profileKey(userId),
    update: `SET ${sets.join(', ')}, #version = :next`,
    condition: seen === 0 ? 'attribute_not_exists(#version)' : '#version = :seen',
    values: { ...changed, next: seen + 1, ...(seen > 0 && { seen }) },
    returning: 'ALL_NEW',
  });
}

const versionOf = (item: Item | undefined) => (item?.['version'] as number | undefined) ?? 0;

function toProfile(userId: string, item: Item | undefined): Profile {
  return {
    userId,
    name: (item?.['name'] as string | undefined) ?? userId,
    avatar: (item?.['avatar'] as string | undefined) ?? '',
    custom: JSON.parse((item?.['custom'] as string | undefined) ?? '{}') as Profile['custom'],
    version: versionOf(item),
  };
}
