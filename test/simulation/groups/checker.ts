// What holds of groups whose members come and go: who gets what (I1, I8), and that the group is what its control messages
// say (P5). It knows the protocol and nothing of the implementation.
import type { Slot } from '../../../src/protocol/messages.ts';
import type { SyncEvent } from '../../../src/protocol/server-frames.ts';
import { isVoid } from '../../../src/protocol/slots.ts';
import type { RunHistory } from '../history.ts';
import { name, type Violation } from '../violations.ts';
import type { GroupTruth } from './history.ts';
import { replay, stayAt, type Replayed } from './replay.ts';
import { checkRequests } from './request-checker.ts';
import { checkState } from './state-checker.ts';

export function checkGroups(history: RunHistory): Violation[] {
  return history.groups.flatMap((group) => {
    const { slots } = group;
    const replayed = replay(slots);
    const one: Case = { group, slots, replayed, history };
    return [
      ...checkState(group, replayed),
      ...checkRequests(group, slots, history.asked),
      ...checkAuthors(one),
      ...group.views.flatMap(({ userId }) => checkMailbox(one, userId)),
      ...checkDevices(one),
      ...checkTaken(one),
    ];
  });
}

interface Case {
  readonly group: GroupTruth;
  readonly slots: readonly Slot[];
  readonly replayed: Replayed;
  readonly history: RunHistory;
}

/** I8: whoever wrote was in. */
function checkAuthors({ slots, replayed: { stays } }: Case): Violation[] {
  return slots.flatMap((slot): Violation[] => {
    // What was done to the group itself is looked at with its state.
    if (isVoid(slot) || String(slot.body['op']).startsWith('group.')) return [];
    if (stayAt(stays.get(slot.from), slot.seq)) return [];
    return [{ invariant: 'I8', what: `${name(slot)} is from ${slot.from}, who was not in` }];
  });
}

/** I1: what was numbered while they were in, and that they came and went. I8: and nothing else. */
function checkMailbox({ group, slots, replayed, history }: Case, userId: string): Violation[] {
  const { conversationId } = group;
  const violations: Violation[] = [];
  const find = (invariant: Violation['invariant'], what: string) =>
    violations.push({ invariant, what: `${conversationId}: ${userId} ${what}` });
  const stays = replayed.stays.get(userId) ?? [];
  const events = history.mailboxes.find((mailbox) => mailbox.userId === userId)?.events ?? [];
  const has = new Set<number>();
  for (const event of events) {
    if (event.kind !== 'message' || event.message.conversationId !== conversationId) continue;
    const { seq } = event.message;
    has.add(seq);
    if (!stayAt(stays, seq)) find('I8', `has ${seq} in the mailbox, and was not in`);
    if (seq > replayed.cutoverSeq) find('P5', `has ${seq} in the mailbox, above ${replayed.cutoverSeq}`);
  }
  violations.push(...checkTargets(events, userId, group, replayed));
  for (const slot of slots) {
    const { seq } = slot;
    if (isVoid(slot) || seq > replayed.cutoverSeq || has.has(seq)) continue;
    // Whoever came anew sees nothing of what was before: some of it may come late, and nowhere.
    const stay = stayAt(stays, seq);
    if (stay && stay === stays.at(-1)) find('I1', `has not ${seq} in the mailbox`);
  }
  const changes = events.flatMap((event) =>
    event.kind === 'conversation' && event.conversationId === conversationId ? [event.change] : [],
  );
  const ends = {
    joined: Math.min(stays.length, 1),
    left: count(stays, 'left'),
    removed: count(stays, 'removed'),
    dismissed: count(stays, 'dismissed'),
  };
  for (const [change, times] of Object.entries(ends)) {
    const told = changes.filter((one) => one === change).length;
    if (told < times) find('I1', `${change} ${times} times, and is told ${told} times`);
    if (times === 0 && told > 0) find('I8', `is told of having ${change}`);
  }
  return violations;
}

const count = (stays: readonly { readonly end?: string }[], end: string) =>
  stays.filter((stay) => stay.end === end).length;

/** I8: what a control message is about is shown with it, to those who may see it. */
function checkTargets(
  events: readonly SyncEvent[],
  userId: string,
  { conversationId, history }: GroupTruth,
  { stays }: Replayed,
): Violation[] {
  if (history === 'all') return [];
  return events.flatMap((event): Violation[] => {
    if (event.kind !== 'message' || event.message.conversationId !== conversationId) return [];
    const { target } = event;
    if (!target || isVoid(target) || stayAt(stays.get(userId), target.seq)) return [];
    const what = `${userId} is shown ${name(target)} with ${event.message.seq}, and was not in`;
    return [{ invariant: 'I8', what }];
  });
}

/** I8: nobody is shown, told or lists what they were not in. I4: and what they are shown stands there. */
function checkDevices({ group, slots, replayed, history }: Case): Violation[] {
  const { conversationId } = group;
  const standing = new Map(slots.map((slot) => [slot.seq, isVoid(slot) ? undefined : slot.clientMsgId]));
  return history.devices.flatMap((device): Violation[] => {
    const where = `${device.userId}/${device.deviceId}`;
    const stays = replayed.stays.get(device.userId) ?? [];
    const seen = [...device.shown, ...device.told].filter((one) => one.conversationId === conversationId);
    const strange = seen
      .filter(({ seq }) => group.history !== 'all' && !stayAt(stays, seq))
      .map((one): Violation => ({ invariant: 'I8', what: `${where} saw ${name(one)}, and was not in` }));
    const wrong = device.shown
      .filter((one) => one.conversationId === conversationId && standing.get(one.seq) !== one.clientMsgId)
      .map((one): Violation => ({
        invariant: 'I4',
        what: `${where} showed ${one.clientMsgId} as ${name(one)}`,
      }));
    const isOut = !replayed.roles.has(device.userId);
    const { deviceId, userId } = device;
    // What was refused there is listed until its user takes it out.
    const hasUnsent = history.sent.some(
      (one) =>
        one.userId === userId &&
        one.deviceId === deviceId &&
        one.conversationId === conversationId &&
        one.outcome === 'rejected',
    );
    // Comings and goings bear no number, and may be told in another order than that in which they were.
    const wasTold = isOut && toldLast(history, userId, conversationId) !== 'joined';
    const lists = wasTold && !hasUnsent && device.listed.some((one) => one.conversationId === conversationId);
    const listed = lists ? [`${where} lists ${conversationId}, and is not in`] : [];
    return [...strange, ...wrong, ...listed.map((what): Violation => ({ invariant: 'I8', what }))];
  });
}

/** What a user was told last of being in a group. */
export function toldLast(
  { mailboxes }: RunHistory,
  userId: string,
  conversationId: string,
): string | undefined {
  const events = mailboxes.find((mailbox) => mailbox.userId === userId)?.events ?? [];
  return events
    .flatMap((event) =>
      event.kind === 'conversation' && event.conversationId === conversationId ? [event.change] : [],
    )
    .findLast((change) => change !== 'heads' && change !== 'settings');
}

/** I8: pushes and pages as they came, with what a control message was about by then. */
const checkTaken = ({ group, replayed, history }: Case): Violation[] =>
  history.plain.flatMap(({ userId, taken }) => checkTargets(taken, userId, group, replayed));
