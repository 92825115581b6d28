// What is done for a large group by others than the fan-out that found it, or later.
import { currentMessages } from '../current-messages.ts';
import type { Context } from '../context.ts';
import { deliver, pushesOf, type Delivery, type FailedDelivery } from '../deliver.ts';
import type { Message } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';
import { encodeEntry } from '../entries.ts';
import { toMailbox, type Mailbox } from '../mailbox.ts';
import { mailboxKey } from '../tables.ts';
import { readSlots } from '../timeline.ts';
import { deliveriesOf } from './deliveries.ts';
import { isIn, readStays, type GroupWithStays } from './known-groups.ts';
import { pushToSubscribers, readSubscribers } from './subscriptions.ts';
import { rangesOf, type IdRange, type Task } from './task.ts';

const isWithin = (id: string, range: IdRange | undefined) => !range || (range.from <= id && id <= range.to);

/** @throws when something of it failed: then all of it is tried again. */
export async function carryOut(ctx: Context, task: Task): Promise<void> {
  const group = (await readStays(ctx, [task.conversationId])).get(task.conversationId);
  if (!group) return;
  switch (task.kind) {
    case 'deliver': {
      const messages = await readMessages(ctx, task.conversationId, task.seqs);
      const bundles = new Map<string, Delivery[]>();
      for (const message of messages) {
        for (const { userId, ...delivery } of deliveriesOf(message, group)) {
          if (!isWithin(userId, task.users)) continue;
          bundles.set(userId, [...(bundles.get(userId) ?? []), delivery]);
        }
      }
      return throwFirst(await deliver(ctx, bundles, currentMessages(ctx, messages)));
    }
    case 'push': {
      const messages = await readMessages(ctx, task.conversationId, task.seqs);
      const current = currentMessages(ctx, messages);
      const pushes = pushesOf(ctx);
      const pushing = pushToSubscribers(ctx, pushes, {
        conversationId: task.conversationId,
        group,
        messages,
        now: async () => {
          const tell = await current();
          return (message) => tell(message).message;
        },
        subscribers: (await readSubscribers(ctx, task.conversationId, group)).filter(({ connectionId }) =>
          isWithin(connectionId, task.connections),
        ),
      });
      pushes.lastCall();
      return pushing;
    }
    case 'heads':
      return tellHeads(ctx, task, group);
  }
}

async function readMessages(
  ctx: Context,
  conversationId: string,
  seqs: readonly number[],
): Promise<Message[]> {
  const slots = await readSlots(
    ctx,
    seqs.map((seq) => ({ conversationId, seq })),
  );
  return slots.filter((slot): slot is Message => !isVoid(slot)).toSorted((a, b) => a.seq - b.seq);
}

function throwFirst([failure]: readonly FailedDelivery[]): void {
  if (failure) throw new Error('A part of a group was not reached', { cause: failure.cause });
}

/** An event for each who is connected with a device that does not look; in ranges, where there are many. */
async function tellHeads(
  ctx: Context,
  { conversationId, users }: Extract<Task, { kind: 'heads' }>,
  group: GroupWithStays,
): Promise<void> {
  const { headSeq } = group;
  const members = group.stays
    .filter((stay) => stay.leftSeq === undefined && isIn(stay, headSeq) && isWithin(stay.userId, users))
    .map(({ userId }) => userId);
  const { recipientsPerInvocation } = ctx.settings;
  if (members.length > recipientsPerInvocation) {
    const parts = rangesOf(members, recipientsPerInvocation).map((range): Task => ({
      kind: 'heads',
      conversationId,
      users: range,
    }));
    return ctx.tasks.send(parts);
  }
  const [items, subscribers] = await Promise.all([
    ctx.db.batchGet('Users', members.map(mailboxKey), 'eventual'),
    readSubscribers(ctx, conversationId, group),
  ]);
  const looking = new Set(subscribers.map(({ connectionId }) => connectionId));
  const hasOther = ({ connections }: Mailbox) =>
    connections.some(({ connectionId }) => !looking.has(connectionId));
  const pointer = encodeEntry({ conversationId, change: 'heads', version: headSeq });
  const bundles = items
    .map(toMailbox)
    .filter(hasOther)
    .map(({ userId }): [string, Delivery[]] => [userId, [{ pointer, conversationId, event: 'heads' }]]);
  throwFirst(await deliver(ctx, new Map(bundles), currentMessages(ctx, [])));
}
