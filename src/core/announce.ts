// Pushes of what is stored nowhere, or elsewhere: to who is connected now, with a single, short try each.
import type { Push } from '../protocol/server-frames.ts';
import { isConnectionOver } from './connections.ts';
import type { Caller, Context } from './context.ts';
import type { Mailbox } from './mailbox.ts';

/** To all connections of these users but the caller's; one whose token has expired is closed instead. */
export async function announce(
  ctx: Context,
  caller: Caller,
  mailboxes: readonly Mailbox[],
  push: Push,
): Promise<void> {
  const pushes = ctx.connections.startPushes();
  const others = mailboxes
    .flatMap(({ connections }) => connections)
    .filter(({ connectionId }) => connectionId !== caller.connectionId);
  const told = others.map((connection) =>
    isConnectionOver(ctx, connection)
      ? ctx.connections.close(connection.connectionId)
      : pushes.push(connection.connectionId, push),
  );
  pushes.lastCall();
  await Promise.all(told);
}

/** To these connections, whoever they are of. */
export async function announceTo(ctx: Context, connectionIds: readonly string[], push: Push): Promise<void> {
  const pushes = ctx.connections.startPushes();
  const told = connectionIds.map((connectionId) => pushes.push(connectionId, push));
  pushes.lastCall();
  await Promise.all(told);
}
