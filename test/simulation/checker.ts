// Compares every device with what was acknowledged. It knows the invariants and nothing of the implementation.
import type { Message, Slot } from '../../src/protocol/messages.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import type { DeviceHistory, MailboxTruth, RunHistory, Sent, Shown, Told, Truth } from './history.ts';

export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I6' | 'I8';
  readonly what: string;
}

export function check(history: RunHistory): Violation[] {
  return [
    ...checkSent(history),
    ...history.truths.flatMap(checkTruth),
    ...checkAgreement(history.truths),
    ...history.mailboxes.flatMap((mailbox) => checkMailbox(mailbox, history.truths)),
    ...history.devices.flatMap((device) => checkDevice(device, history)),
    ...history.devices.flatMap((device) => checkTold(device, history.truths)),
  ];
}

const messagesOf = (truth: Truth): Message[] => truth.slots.filter((slot): slot is Message => !isVoid(slot));
const name = (message: { conversationId: string; seq: number }) => `${message.conversationId}/${message.seq}`;

/** I1, I2: what was acknowledged stands in the conversation, once, at the number that the answer said. */
function checkSent({ sent, truths }: RunHistory): Violation[] {
  const violations: Violation[] = [];
  for (const one of sent) {
    const truth = truths.find(({ conversationId }) => conversationId === one.conversationId);
    const places = truth ? messagesOf(truth).filter((message) => isCopy(message, one)) : [];
    const expected = one.outcome === 'sent' ? 1 : one.outcome === 'unknown' ? places.length : 0;
    if (places.length !== expected || places.length > 1) {
      const invariant = places.length === 0 ? 'I1' : 'I2';
      violations.push({ invariant, what: `${describe(one)} stands ${places.length} times` });
    }
    const answered = new Set(one.seqs);
    if (answered.size > 1)
      violations.push({
        invariant: 'I2',
        what: `${describe(one)} was answered ${[...answered].join(' and ')}`,
      });
    const place = places[0];
    if (place && answered.size === 1 && !answered.has(place.seq)) {
      violations.push({
        invariant: 'I4',
        what: `${describe(one)} was answered ${[...answered].join(' and ')}, stands at ${place.seq}`,
      });
    }
    if (place && place.body['text'] !== one.text) {
      violations.push({ invariant: 'I4', what: `${describe(one)} reads "${String(place.body['text'])}"` });
    }
  }
  return violations;
}

/** I3, I6: every number up to the head is a message or a void, and unread is what a reader would count. */
function checkTruth(truth: Truth): Violation[] {
  const violations: Violation[] = [];
  const { conversationId, userId, headSeq, slots } = truth;
  slots.forEach((slot, index) => {
    if (slot.seq !== index + 1) {
      violations.push({
        invariant: 'I3',
        what: `${conversationId}: slot ${index + 1} reads as ${slot.seq} for ${userId}`,
      });
    }
  });
  if (slots.length !== headSeq) {
    violations.push({ invariant: 'I3', what: `${conversationId}: ${slots.length} slots, head ${headSeq}` });
  }
  const messages = messagesOf(truth);
  // A send implies that everything before it was read.
  const readSeq = Math.max(0, ...messages.filter(({ from }) => from === userId).map(({ seq }) => seq));
  const unread = messages.filter(
    ({ from, seq, silent }) => from !== userId && seq > readSeq && !silent,
  ).length;
  if (unread !== truth.unread) {
    violations.push({
      invariant: 'I6',
      what: `${conversationId}: ${userId} has ${unread} unread, is told ${truth.unread}`,
    });
  }
  return violations;
}

/** I1, I3: a mailbox has no holes, and an entry for each message of its user's conversations. */
function checkMailbox({ userId, head, events }: MailboxTruth, truths: readonly Truth[]): Violation[] {
  const dense = events.length === head && events.every(({ syncSeq }, index) => syncSeq === index + 1);
  const violations: Violation[] = dense
    ? []
    : [{ invariant: 'I3', what: `the mailbox of ${userId} reads ${events.length} of ${head} entries` }];
  const entered = new Set(events.flatMap((event) => (event.kind === 'message' ? [name(event.message)] : [])));
  for (const message of truths.filter((truth) => truth.userId === userId).flatMap(messagesOf)) {
    if (!entered.has(name(message)))
      violations.push({ invariant: 'I1', what: `${name(message)} is not in the mailbox of ${userId}` });
  }
  return violations;
}

/** I4: all members read the same. */
function checkAgreement(truths: readonly Truth[]): Violation[] {
  const violations: Violation[] = [];
  const first = new Map<string, string>();
  for (const { conversationId, slots, userId } of truths) {
    const read = JSON.stringify(slots);
    const known = first.get(conversationId);
    if (known === undefined) first.set(conversationId, read);
    else if (known !== read)
      violations.push({ invariant: 'I4', what: `${conversationId} reads differently for ${userId}` });
  }
  return violations;
}

function checkDevice(device: DeviceHistory, { truths }: RunHistory): Violation[] {
  const where = `${device.userId}/${device.deviceId}`;
  const mine = truths.filter(({ userId }) => userId === device.userId);
  const violations: Violation[] = [];
  const seen = new Map<string, Shown>();
  const lastSeq = new Map<string, number>();
  for (const shown of device.shown) {
    if (seen.has(name(shown)))
      violations.push({ invariant: 'I2', what: `${where} showed ${name(shown)} twice` });
    seen.set(name(shown), shown);
    const previous = lastSeq.get(shown.conversationId) ?? 0;
    if (shown.seq < previous) {
      violations.push({ invariant: 'I3', what: `${where} showed ${name(shown)} after seq ${previous}` });
    }
    lastSeq.set(shown.conversationId, Math.max(previous, shown.seq));
    if (!mine.some(({ conversationId }) => conversationId === shown.conversationId)) {
      violations.push({
        invariant: 'I8',
        what: `${where} showed ${name(shown)}, of a conversation it is not in`,
      });
    }
  }
  for (const message of mine.flatMap(messagesOf)) {
    const shown = seen.get(name(message));
    if (!shown)
      violations.push({
        invariant: 'I1',
        what: `${where} never showed ${name(message)} ${message.clientMsgId}`,
      });
    else if (shown.clientMsgId !== message.clientMsgId || shown.text !== message.body['text']) {
      violations.push({ invariant: 'I4', what: `${where} showed ${shown.clientMsgId} as ${name(message)}` });
    }
    seen.delete(name(message));
  }
  for (const ghost of seen.keys())
    violations.push({ invariant: 'I4', what: `${where} showed ${ghost}, which is no message` });
  return violations;
}

/** I4: whatever a reader was told of a slot, stands there in the end. */
function checkTold({ userId, deviceId, told }: DeviceHistory, truths: readonly Truth[]): Violation[] {
  const mine = truths.filter((truth) => truth.userId === userId);
  const atEnd = new Map(mine.flatMap(({ slots }) => slots).map((slot) => [name(slot), describeSlot(slot)]));
  const changed = new Set(
    told
      .filter((slot) => atEnd.get(name(slot)) !== describeSlot(slot))
      .map(
        (slot) =>
          `${name(slot)} was ${describeSlot(slot)} for ${userId}/${deviceId}, is ${atEnd.get(name(slot))}`,
      ),
  );
  return [...changed].map((what) => ({ invariant: 'I4', what }));
}

const describeSlot = (slot: Slot | Told) => ('clientMsgId' in slot ? slot.clientMsgId : 'void');

function isCopy(message: Message, one: Sent): boolean {
  return message.from === one.userId && message.clientMsgId === one.clientMsgId;
}

function describe(one: Sent): string {
  return `${one.userId}/${one.deviceId}'s "${one.text}" (${one.clientMsgId}, ${one.outcome}) in ${one.conversationId}`;
}
