// What a user's devices must have of a conversation, and as it is in the end.
import type { Message } from '../../src/protocol/messages.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import { toldLast } from './groups/checker.ts';
import type { DeviceHistory, RunHistory, Truth } from './history.ts';
import { name } from './violations.ts';

/** How one is told of being in a group no more. */
export const wentWith = ['left', 'removed', 'dismissed'];

export const messagesOf = ({ slots }: Pick<Truth, 'slots'>): Message[] =>
  slots.filter((slot): slot is Message => !isVoid(slot));

/** What stands in its reader's mailbox. */
export const writtenTo = (truth: Truth): Message[] =>
  messagesOf(truth).filter(({ seq }) => seq >= truth.joinedSeq && seq <= truth.cutoverSeq);

/** Messages that a device of the user has, as they are. */
export function heardBy(userId: string, history: RunHistory): Message[] {
  // Who was told of their going last, though they came after it, lists the group no more.
  const isListed = ({ conversationId }: Truth) =>
    !wentWith.includes(toldLast(history, userId, conversationId) ?? '');
  const own = history.truths.filter((truth) => truth.userId === userId && isListed(truth));
  // Of what a large group changed since, who does not look at it hears nothing.
  const unheard = new Set(own.flatMap(changedAbove));
  return own
    .flatMap(writtenTo)
    .filter((message) => !unheard.has(name(message)))
    .filter(({ type }) => type !== 'control');
}

/** A device that was away for too long begins a conversation that it did not know with so many slots; older ones it pages to. */
const FIRST_SLOTS = 50;

/** Whether a device may have begun a conversation above that message. */
export function mayHaveBegunAbove(
  device: DeviceHistory,
  { conversationId, seq }: Message,
  history: RunHistory,
) {
  const wasAway = history.devices.some(
    ({ userId, deviceId, journal }) =>
      userId === device.userId &&
      deviceId === device.deviceId &&
      journal.some((step) => 'anew' in step && step.anew > 0),
  );
  if (!wasAway) return false;
  const of = (one: { conversationId: string }) => one.conversationId === conversationId;
  const head = Math.max(0, ...history.truths.filter(of).map(({ headSeq }) => headSeq));
  return head - seq >= FIRST_SLOTS && device.shown.filter(of).every((shown) => shown.seq > seq);
}

/** Names of messages that a control message above the cut-over is about. */
const changedAbove = (truth: Truth): string[] =>
  messagesOf(truth).flatMap(({ conversationId, seq, type, body }) =>
    type === 'control' && seq > truth.cutoverSeq && typeof body['seq'] === 'number'
      ? [name({ conversationId, seq: body['seq'] })]
      : [],
  );
