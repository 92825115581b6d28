// From new messages to mailboxes and devices. One batch costs a recipient one mailbox update and a device one frame.
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import type { Message } from '../protocol/messages.ts';
import { targetSeq } from '../protocol/slots.ts';
import type { Context } from './context.ts';
import { currentMessages, type CurrentMessages } from './current-messages.ts';
import { bundle, deliver, type AddressedDelivery, type Bundles, type FailedDelivery } from './deliver.ts';
import { deviceDigest } from './digest.ts';
import { encodeEntry } from './entries.ts';
import { deliveriesOf } from './groups/deliveries.ts';
import { planHeads } from './groups/heads.ts';
import { readStays, type GroupWithStays } from './groups/known-groups.ts';
import { pushToSubscribers, readSubscribers, waitForFrame } from './groups/subscriptions.ts';
import { rangesOf, type Task } from './groups/task.ts';
import { bindMedia } from './media/bindings.ts';
import { mediaOf } from './media/keys.ts';
import { keyOf } from './timeline.ts';

export interface FanOutFailure {
  readonly message: Message;
  readonly cause: unknown;
}

export interface FannedOut {
  readonly failures: readonly FanOutFailure[];
  /** Users whose mailboxes were to be written here; others are left to tasks. */
  readonly recipients: number;
}

/**
 * Delivers a batch. A recipient that fails delays no other (I9): the messages it has not got are returned, to be
 * tried again; all of this is idempotent. What is too much for one invocation goes to others.
 */
export async function fanOut(ctx: Context, messages: readonly Message[]): Promise<FannedOut> {
  const current = currentMessages(ctx, messages);
  const { direct, groups, unknown } = await sortOut(ctx, messages);
  const { bundles, tasks, passedOn } = planDeliveries(ctx, direct, groups);
  const outcomes = await Promise.all([
    deliver(ctx, bundles, current).then((failed) => failed.flatMap(messagesOf)),
    attempt(passedOn, () => ctx.tasks.send(tasks)),
    ...messages.filter(mediaOf).map((message) => attempt([message], () => bindMedia(ctx, message))),
    ...groups.map(({ group, messages: those }) => {
      const { cutoverSeq } = group.head;
      const above = cutoverSeq === undefined ? [] : those.filter(({ seq }) => seq > cutoverSeq);
      return attempt(above, () => tellLarge(ctx, current, group, above));
    }),
  ]);
  return { failures: [...unknown, ...outcomes.flat()], recipients: bundles.size };
}

const messagesOf = ({ deliveries, cause }: FailedDelivery): FanOutFailure[] =>
  deliveries.flatMap(({ message }) => (message ? [{ message, cause }] : []));

async function attempt(messages: readonly Message[], work: () => Promise<void>): Promise<FanOutFailure[]> {
  try {
    await work();
    return [];
  } catch (cause) {
    return messages.map((message) => ({ message, cause }));
  }
}

interface OfGroup {
  readonly group: GroupWithStays;
  readonly messages: readonly Message[];
}

interface SortedOut {
  readonly direct: readonly Message[];
  readonly groups: readonly OfGroup[];
  /** Of groups that could not be read. */
  readonly unknown: readonly FanOutFailure[];
}

/** Each message once, in the order of its conversation. */
async function sortOut(ctx: Context, messages: readonly Message[]): Promise<SortedOut> {
  const distinct = new Map(messages.map((message) => [keyOf(message), message]));
  const direct: Message[] = [];
  const byGroup = new Map<string, Message[]>();
  for (const message of [...distinct.values()].toSorted((a, b) => a.seq - b.seq)) {
    const { conversationId } = message;
    const kind = parseConversationId(conversationId)?.kind;
    if (!kind) throw new Error(`Not a conversation: ${conversationId}`);
    if (kind === 'direct') direct.push(message);
    else byGroup.set(conversationId, [...(byGroup.get(conversationId) ?? []), message]);
  }
  if (byGroup.size === 0) return { direct, groups: [], unknown: [] };
  try {
    const known = await readStays(ctx, [...byGroup.keys()]);
    const groups = [...byGroup].flatMap(([conversationId, those]) => {
      const group = known.get(conversationId);
      return group ? [{ group, messages: those }] : [];
    });
    return { direct, groups, unknown: [] };
  } catch (cause) {
    const unknown = [...byGroup.values()].flat().map((message) => ({ message, cause }));
    return { direct, groups: [], unknown };
  }
}

interface Plan {
  readonly bundles: Bundles;
  readonly tasks: readonly Task[];
  /** What the tasks are about. */
  readonly passedOn: readonly Message[];
}

/** All that a batch holds for each recipient, once; of the largest groups only as much as one invocation can do. */
function planDeliveries(ctx: Context, direct: readonly Message[], groups: readonly OfGroup[]): Plan {
  const { recipientsPerInvocation } = ctx.settings;
  const inline = direct.flatMap(directDeliveries);
  const tasks: Task[] = [];
  const passedOn: Message[] = [];
  const ofGroups = groups
    .map(({ group, messages }) => ({
      messages,
      deliveries: messages.flatMap((message) => deliveriesOf(message, group)),
    }))
    .map((one) => ({ ...one, users: [...new Set(one.deliveries.map(({ userId }) => userId))] }))
    .toSorted((left, right) => left.users.length - right.users.length);
  let total = new Set(inline.map(({ userId }) => userId)).size;
  for (const { messages, deliveries, users } of ofGroups) {
    if (total + users.length <= recipientsPerInvocation) {
      total += users.length;
      inline.push(...deliveries);
      continue;
    }
    const { conversationId } = messages[0]!;
    const seqs = messages.map(({ seq }) => seq);
    tasks.push(
      ...rangesOf(users, recipientsPerInvocation).map((range): Task => ({
        kind: 'deliver',
        conversationId,
        seqs,
        users: range,
      })),
    );
    passedOn.push(...messages);
  }
  return { bundles: bundle(inline), tasks, passedOn };
}

function directDeliveries(message: Message): AddressedDelivery[] {
  const { conversationId, seq, from, deviceId } = message;
  const conversation = parseConversationId(conversationId);
  if (conversation?.kind !== 'direct') return [];
  const target = targetSeq(message);
  return [...new Set(conversation.users)].map((userId) => {
    const pointer = encodeEntry({
      conversationId,
      seq,
      peer: peerOf(conversation.users, userId),
      // What the server made, every device has to hear of.
      ...(target !== undefined ? { target } : userId === from && { madeBy: deviceDigest(deviceId) }),
    });
    return { userId, pointer, message };
  });
}

/** Who looks at a large group gets its messages now, in frames that are not too many; others hear of them once in a while. */
async function tellLarge(
  ctx: Context,
  current: CurrentMessages,
  group: GroupWithStays,
  messages: readonly Message[],
): Promise<void> {
  const [first] = messages;
  if (!first) return;
  const { conversationId } = first;
  await waitForFrame(ctx, conversationId);
  const subscribers = await readSubscribers(ctx, conversationId, group);
  const heads = group.head.dismissedSeq === undefined ? planHeads(ctx, conversationId) : undefined;
  const { recipientsPerInvocation } = ctx.settings;
  if (subscribers.length > recipientsPerInvocation) {
    const seqs = messages.map(({ seq }) => seq);
    const ids = subscribers.map(({ connectionId }) => connectionId);
    const parts = rangesOf(ids, recipientsPerInvocation).map((connections): Task => ({
      kind: 'push',
      conversationId,
      seqs,
      connections,
    }));
    await Promise.all([ctx.tasks.send(parts), heads]);
    return;
  }
  const batch = { conversationId, group, messages, current, subscribers };
  await Promise.all([pushToSubscribers(ctx, batch), heads]);
}
