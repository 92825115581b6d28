// Compares every device with what was acknowledged. It knows the invariants and nothing of the implementation.
import type { Slot } from '../../src/protocol/messages.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import type { DeviceHistory, MailboxTruth, RunHistory, Sent, Shown, Told, Truth } from './history.ts';
import { checkGroups, toldLast } from './groups/checker.ts';
import { replay } from './groups/replay.ts';
import { heardBy, mayHaveBegunAbove, messagesOf, wentWith, writtenTo } from './heard.ts';
import { checkJournal } from './journal-checker.ts';
import { checkBlocks, hidesReading, wasEverBlocked } from './people/block-checker.ts';
import { checkReactions } from './people/reaction-checker.ts';
import { checkPlain } from './plain-checker.ts';
import { checkSleepers } from './sleepers/checker.ts';
import { checkVoids } from './void-checker.ts';
import { changesOf, isCopy, isVersion, name, textsOf, type Violation } from './violations.ts';

export function check(history: RunHistory): Violation[] {
  return [
    ...checkSent(history),
    ...checkChanges(history),
    ...history.truths.flatMap((truth) => checkTruth(truth, history)),
    ...checkAgreement(history.truths),
    ...history.mailboxes.flatMap((mailbox) => checkMailbox(mailbox, history.truths)),
    ...history.devices.flatMap((device) => checkDevice(device, history)),
    ...history.devices.flatMap((device) => checkTold(device, history)),
    ...history.devices.flatMap((device) => checkKept(device, history)),
    ...history.devices.flatMap(checkJournal),
    ...history.plain.flatMap((client) => checkPlain(client, history)),
    ...checkGroups(history),
    ...checkSleepers(history),
    ...checkReactions(history),
    ...checkBlocks(history),
    ...checkPoison(history),
    ...checkVoids(history),
  ];
}

/** I9: what nobody can read is given up, and that alone: what stands behind it is delivered, or it would be missed. */
function checkPoison({ poison: { put, givenUp } }: RunHistory): Violation[] {
  return put === givenUp
    ? []
    : [{ invariant: 'I9', what: `${put} records are poison, ${givenUp} were given up` }];
}

/** I1, I2: what was acknowledged stands in the conversation, once, at the number that the answer said. */
function checkSent(history: RunHistory): Violation[] {
  const { sent, truths, groups } = history;
  const violations: Violation[] = [];
  for (const one of sent) {
    const truth = [...truths, ...groups].find(({ conversationId }) => conversationId === one.conversationId);
    const places = truth ? messagesOf(truth).filter((message) => isCopy(message, one)) : [];
    const find = (invariant: Violation['invariant'], what: string) =>
      violations.push({ invariant, what: `${describe(one)} ${what}` });
    // Nobody is too fast: there is nothing to refuse, but to who is out, muted or blocked.
    if (one.outcome === 'rejected' && !mayBeRefused(history, one)) find('I1', 'was refused');
    if (history.waiting.includes(one.clientMsgId)) find('I1', 'was never answered');
    // It may have been stored before they went, with an answer that nobody heard.
    const expected = one.outcome === 'sent' ? 1 : one.isRefusedForSure ? 0 : places.length;
    if (places.length !== expected || places.length > 1) {
      find(places.length === 0 ? 'I1' : 'I2', `stands ${places.length} times`);
    }
    const answered = new Set(one.seqs);
    const numbers = [...answered].join(' and ');
    if (answered.size > 1) find('I2', `was answered ${numbers}`);
    const place = places[0];
    if (place && answered.size === 1 && !answered.has(place.seq)) {
      find('I4', `was answered ${numbers}, stands at ${place.seq}`);
    }
    if (place && !place.recalled && !textsOf(history, place).has(String(place.body['text']))) {
      find('I4', `reads "${String(place.body['text'])}"`);
    }
  }
  return violations;
}

/** In a group they were not always in, or muted at some time, or nobody could write at some time. */
function mayBeRefused(history: RunHistory, one: Sent): boolean {
  const { userId, conversationId } = one;
  const group = history.groups.find((known) => known.conversationId === conversationId);
  if (!group) return wasEverBlocked(history, one);
  const { stays, everMuted, wasClosed } = replay(group.slots);
  const [first, ...more] = stays.get(userId) ?? [];
  const wasAlwaysIn = first?.from === 1 && first.to === undefined && more.length === 0;
  return !wasAlwaysIn || everMuted.has(userId) || wasClosed;
}

/** I3, I6: every number up to the head is a message or a void, and unread is what a reader would count. */
function checkTruth(truth: Truth, history: RunHistory): Violation[] {
  const violations: Violation[] = [];
  const { conversationId, userId, headSeq, slots, floorSeq, joinedSeq } = truth;
  slots.forEach((slot, index) => {
    if (slot.seq !== floorSeq + index) {
      violations.push({
        invariant: 'I3',
        what: `${conversationId}: slot ${floorSeq + index} reads as ${slot.seq} for ${userId}`,
      });
    }
  });
  if (slots.length !== headSeq - floorSeq + 1) {
    violations.push({ invariant: 'I3', what: `${conversationId}: ${slots.length} slots, head ${headSeq}` });
  }
  const messages = messagesOf(truth);
  // A send implies that everything before it was read.
  const sentSeq = Math.max(
    0,
    ...messages.filter(({ from, type }) => from === userId && type !== 'control').map(({ seq }) => seq),
  );
  const marks = history.devices
    .filter((device) => device.userId === userId)
    .flatMap(({ marked }) => marked)
    .filter((mark) => mark.conversationId === conversationId);
  // Whoever joins has read up to there.
  const highest = (those: readonly { readonly seq: number }[]) =>
    Math.max(sentSeq, joinedSeq, ...those.map(({ seq }) => seq));
  const { readSeq } = truth;
  // One that was refused in the end may have had a number before, which a void has by now.
  const tried = history.sent.some(
    (one) => one.userId === userId && one.conversationId === conversationId && one.outcome === 'rejected',
  );
  const voids = tried ? slots.filter(isVoid) : [];
  const isOwnVoid = voids.some(({ seq }) => seq === readSeq);
  if (readSeq < highest(marks.filter(({ isKept }) => isKept)) || (readSeq > highest(marks) && !isOwnVoid)) {
    violations.push({
      invariant: 'I6',
      what: `${conversationId}: ${userId} has read up to ${highest(marks)}, is told ${readSeq}`,
    });
  }
  const unread = messages.filter(
    ({ from, seq, silent, recalled }) => from !== userId && seq > readSeq && !silent && !recalled,
  ).length;
  if (unread !== truth.unread) {
    violations.push({
      invariant: 'I6',
      what: `${conversationId}: ${userId} has ${unread} unread, is told ${truth.unread}`,
    });
  }
  return violations;
}

/** Entries of a mailbox that are known to hold nothing twice. */
const PAGE_SIZE = 16;
const pageOf = (syncSeq: number) => Math.floor((syncSeq - 1) / PAGE_SIZE);

/** I1–I3: a mailbox has no holes, no page with something twice, and an entry for each message of its user's conversations. */
function checkMailbox({ userId, head, events }: MailboxTruth, truths: readonly Truth[]): Violation[] {
  const dense = events.length === head && events.every(({ syncSeq }, index) => syncSeq === index + 1);
  const violations: Violation[] = dense
    ? []
    : [{ invariant: 'I3', what: `the mailbox of ${userId} reads ${events.length} of ${head} entries` }];
  const messages = events.flatMap((event) =>
    event.kind === 'message' ? [{ page: pageOf(event.syncSeq), name: name(event.message) }] : [],
  );
  const entered = new Set(messages.map((entry) => entry.name));
  // Over a page's end a batch that comes again may be appended again; devices drop what they have.
  const inPages = messages.map((entry) => `${entry.name} in page ${entry.page}`);
  for (const twice of new Set(inPages.filter((entry, index) => inPages.indexOf(entry) !== index))) {
    violations.push({ invariant: 'I2', what: `the mailbox of ${userId} has ${twice} twice` });
  }
  for (const message of truths.filter((truth) => truth.userId === userId).flatMap(writtenTo)) {
    if (!entered.has(name(message)))
      violations.push({ invariant: 'I1', what: `${name(message)} is not in the mailbox of ${userId}` });
  }
  return violations;
}

/** I4: all members read the same. */
function checkAgreement(truths: readonly Truth[]): Violation[] {
  const violations: Violation[] = [];
  const first = new Map<string, string>();
  for (const { slots, userId } of truths) {
    for (const slot of slots) {
      const read = JSON.stringify(asAllRead(slot));
      const known = first.get(name(slot));
      if (known === undefined) first.set(name(slot), read);
      else if (known !== read)
        violations.push({ invariant: 'I4', what: `${name(slot)} reads differently for ${userId}` });
    }
  }
  return violations;
}

/** Each is told of reactions which are their own. */
function asAllRead(slot: Slot): object {
  if (isVoid(slot) || !slot.reactions) return slot;
  return { ...slot, reactions: slot.reactions.map((reaction) => ({ ...reaction, mine: false })) };
}

function checkDevice(device: DeviceHistory, history: RunHistory): Violation[] {
  const { truths } = history;
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
    const isKnown = [...mine, ...history.groups].some(
      ({ conversationId }) => conversationId === shown.conversationId,
    );
    if (!isKnown) {
      violations.push({
        invariant: 'I8',
        what: `${where} showed ${name(shown)}, of a conversation it is not in`,
      });
    }
  }
  const written = new Set(mine.flatMap(writtenTo).map(name));
  for (const message of mine.flatMap(messagesOf).filter(({ type }) => type !== 'control')) {
    const shown = seen.get(name(message));
    const isMissed = !shown && !message.recalled && written.has(name(message));
    if (isMissed && !mayHaveBegunAbove(device, message, history))
      violations.push({
        invariant: 'I1',
        what: `${where} never showed ${name(message)} ${message.clientMsgId}`,
      });
    if (shown && (shown.clientMsgId !== message.clientMsgId || !isVersion(history, message, shown.text))) {
      violations.push({ invariant: 'I4', what: `${where} showed ${shown.clientMsgId} as ${name(message)}` });
    }
    seen.delete(name(message));
  }
  // What it showed of groups that its user is in no more is looked at there.
  const ofGroups = new Set(history.groups.map(({ conversationId }) => conversationId));
  for (const [ghost, { conversationId }] of seen)
    if (!ofGroups.has(conversationId))
      violations.push({ invariant: 'I4', what: `${where} showed ${ghost}, which is no message` });
  return violations;
}

/** I4: whatever a reader was told of a slot, stands there in the end. */
function checkTold(
  { userId, deviceId, told }: DeviceHistory,
  { truths, devices, groups }: RunHistory,
): Violation[] {
  const violations: Violation[] = [];
  const recalls = devices
    .flatMap(({ changes }) => changes)
    .filter(({ kind, doneAt }) => kind === 'recall' && doneAt !== undefined);
  for (const { doneAt, ...recalled } of recalls) {
    const late = told.some(
      (slot) => name(slot) === name(recalled) && slot.text !== undefined && slot.askedAt > doneAt!,
    );
    if (late) {
      const what = `${userId}/${deviceId} was told what ${name(recalled)} said after it was recalled`;
      violations.push({ invariant: 'I7', what });
    }
  }
  const mine = truths.filter((truth) => truth.userId === userId);
  const slots = [...mine.flatMap((truth) => truth.slots), ...groups.flatMap(({ slots }) => slots)];
  const atEnd = new Map(slots.map((slot) => [name(slot), describeSlot(slot)]));
  const changed = new Set(
    told
      .filter((slot) => atEnd.get(name(slot)) !== describeSlot(slot))
      .map(
        (slot) =>
          `${name(slot)} was ${describeSlot(slot)} for ${userId}/${deviceId}, is ${atEnd.get(name(slot))}`,
      ),
  );
  return [...violations, ...[...changed].map((what): Violation => ({ invariant: 'I4', what }))];
}

/** I4: in the end a device has every message as it is. */
function checkKept(device: DeviceHistory, history: RunHistory): Violation[] {
  const { userId, deviceId, kept } = device;
  const has = new Map(kept.map((message) => [name(message), message]));
  return heardBy(userId, history).flatMap((message): Violation[] => {
    const now = message.recalled ? undefined : String(message.body['text']);
    const own = has.get(name(message));
    const isMeant = message.recalled || mayHaveBegunAbove(device, message, history);
    if (own ? own.text === now : isMeant) return [];
    const what = `${name(message)} is "${now}", and "${own?.text}" for ${userId}/${deviceId}`;
    return [{ invariant: message.recalled ? 'I7' : 'I4', what }];
  });
}

/** I4, I7: what was answered is done, nothing else is, and what tells of it says nothing of what a message said. */
function checkChanges(history: RunHistory): Violation[] {
  const violations: Violation[] = [];
  const find = (invariant: Violation['invariant'], what: string) => violations.push({ invariant, what });
  for (const message of history.truths.flatMap(messagesOf)) {
    if (message.type === 'control') {
      // What was done to the group itself took nothing back.
      if (String(message.body['op']).startsWith('group.')) continue;
      const fields = Object.keys(message.body).filter((field) => !['op', 'seq', 'by'].includes(field));
      if (fields.length > 0) find('I7', `${name(message)}, a control message, has ${fields.join()}`);
      continue;
    }
    const changes = changesOf(history, message);
    const recalls = changes.filter(({ kind }) => kind === 'recall');
    const edits = changes.filter(({ kind }) => kind === 'edit');
    if (message.recalled) {
      if (recalls.length === 0) find('I4', `${name(message)} is recalled, and nobody did it`);
      if (Object.keys(message.body).length > 0) find('I7', `${name(message)} is recalled, and has a body`);
      continue;
    }
    if (recalls.some(({ doneAt }) => doneAt !== undefined)) {
      find('I7', `${name(message)} was recalled, and is not`);
    }
    const isEdited = edits.some(({ text }) => text === message.body['text']);
    if (!isEdited && edits.some(({ doneAt }) => doneAt !== undefined)) {
      find('I4', `${name(message)} was edited, and reads as it was sent`);
    }
  }
  return violations;
}

/** The SDK leaves control messages out of history as it does voids. */
const describeSlot = (slot: Slot | Told) =>
  'clientMsgId' in slot && !('type' in slot && slot.type === 'control') ? slot.clientMsgId : 'void';

function describe(one: Sent): string {
  return `${one.userId}/${one.deviceId}'s "${one.text}" (${one.clientMsgId}, ${one.outcome}) in ${one.conversationId}`;
}

/** I6: once everybody has connected anew, each device lists what is unread and what others have read, as it is. */
export function checkLists(history: RunHistory): Violation[] {
  const { devices, truths } = history;
  return devices.flatMap(({ userId, deviceId, listed }) =>
    truths
      .filter((truth) => truth.userId === userId && messagesOf(truth).length > 0)
      .filter(({ conversationId }) => !wentWith.includes(toldLast(history, userId, conversationId) ?? ''))
      .flatMap((truth): Violation[] => {
        const { conversationId } = truth;
        const own = messagesOf(truth).filter(({ from, type }) => from === userId && type !== 'control');
        const readBy = (peerReadSeq: number) => own.filter(({ seq }) => seq <= peerReadSeq).length;
        const list = listed.find((one) => one.conversationId === conversationId);
        const { unread, peerReadSeq } = list ?? { unread: 0, peerReadSeq: 0 };
        const where = `${userId}/${deviceId} lists ${conversationId} with`;
        return [
          ...(unread === truth.unread ? [] : [`${where} ${unread} unread, not ${truth.unread}`]),
          ...(readBy(peerReadSeq) === readBy(truth.peerReadSeq) || hidesReading(history, truth)
            ? []
            : [`${where} ${peerReadSeq} as read by the peer, not ${truth.peerReadSeq}`]),
        ].map((what) => ({ invariant: 'I6', what }));
      }),
  );
}
