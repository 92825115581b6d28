// What is done for a large group by others than the fan-out that found it, or later.
import { currentMessages } from '../current-messages.ts';
import type { Context } from '../context.ts';
import { bundle, deliver, type AddressedDelivery, type Bundles } from '../deliver.ts';
import type { Message } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';
import { encodeEntry } from '../entries.ts';
import { toMailbox, type Mailbox } from '../mailbox.ts';
import { mailboxKey } from '../tables.ts';
import { NOBODY, readSlots } from '../timeline.ts';
import { deliveriesOf } from './deliveries.ts';
import { isIn, readStays, type GroupWithStays } from './known-groups.ts';
import { pushToSubscribers, readSubscribers } from './subscriptions.ts';
import { rangesOf, type IdRange, type Task } from './task.ts';

/** Of delivering to who was not reached. */
const MAX_ROUNDS = 4;

const isWithin = (id: string, range: IdRange | undefined) => !range || (range.from <= id && id <= range.to);

/** @throws when something of it failed: then all of it is tried again. */
export async function carryOut(ctx: Context, task: Task): Promise<void> {
  const group = (await readStays(ctx, [task.conversationId])).get(task.conversationId);
  if (!group) return;
  switch (task.kind) {
    case 'deliver': {
      const messages = await readMessages(ctx, task.conversationId, task.seqs);
      const deliveries = messages.flatMap((message) => deliveriesOf(message, group));
      const own = deliveries.filter(({ userId }) => isWithin(userId, task.users));
      return deliverAll(ctx, bundle(own), messages);
    }
    case 'push': {
      const { conversationId } = task;
      const messages = await readMessages(ctx, conversationId, task.seqs);
      const all = await readSubscribers(ctx, conversationId, group);
      const subscribers = all.filter(({ connectionId }) => isWithin(connectionId, task.connections));
      const current = currentMessages(ctx, messages);
      return pushToSubscribers(ctx, { conversationId, group, messages, current, subscribers });
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
    NOBODY,
    seqs.map((seq) => ({ conversationId, seq })),
  );
  return slots.filter((slot): slot is Message => !isVoid(slot)).toSorted((a, b) => a.seq - b.seq);
}

/** Who was not reached is tried again here: the queue gives a note back only after a minute. */
async function deliverAll(ctx: Context, bundles: Bundles, messages: readonly Message[]): Promise<void> {
  let left = bundles;
  for (let round = 1; ; round++) {
    const failures = await deliver(ctx, left, currentMessages(ctx, messages));
    const [first] = failures;
    if (!first) return;
    if (round === MAX_ROUNDS) throw new Error('A part of a group was not reached', { cause: first.cause });
    const failed = new Set(failures.map(({ deliveries }) => deliveries));
    left = new Map([...left].filter(([, deliveries]) => failed.has(deliveries)));
    await ctx.backOff(round);
  }
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
  const deliveries = items
    .map(toMailbox)
    .filter(hasOther)
    .map(({ userId }): AddressedDelivery => ({ userId, pointer, conversationId, event: 'heads' }));
  return deliverAll(ctx, bundle(deliveries), []);
}
