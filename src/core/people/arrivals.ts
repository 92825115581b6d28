// A user connects, or a connection of theirs has ended: who watches them is told, if they came or went with it.
import type { Bar } from '../bars.ts';
import { forgetConnection, registerConnection } from '../connections.ts';
import type { Caller, Context } from '../context.ts';
import { presenceOf } from './presence.ts';
import { tellPresence } from './presence-pushes.ts';
import { toPreferences } from './wishes.ts';

/** @returns why the user is kept out, if so. */
export async function arrive(ctx: Context, caller: Caller): Promise<Bar | undefined> {
  const { userId } = caller;
  const registered = await registerConnection(ctx, caller);
  if (!registered.ok) return registered.bar;
  const { before } = registered;
  const isHidden = before && !toPreferences(before).presence;
  if (!isHidden && !presenceOf(ctx, userId, before).online) await tellPresence(ctx, userId, true);
  return undefined;
}

/** Also if the connection was forgotten before, by who found it gone: nobody has told of that. */
export async function leave(ctx: Context, caller: Caller): Promise<void> {
  const { userId } = caller;
  const now = await forgetConnection(ctx, caller);
  if (!now || !toPreferences(now).presence || presenceOf(ctx, userId, now).online) return;
  await tellPresence(ctx, userId, false);
}
