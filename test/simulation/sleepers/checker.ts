// I11: what stays unacknowledged and unread was told, nothing was told twice under one id with another content, and nothing
// that was acknowledged before it was decided.
import type { SyncEvent } from '../../../src/protocol/server-frames.ts';
import { isVoid } from '../../../src/protocol/slots.ts';
import type { Message } from '../../../src/protocol/messages.ts';
import type { RunHistory, Truth } from '../history.ts';
import { everBlocks } from '../people/block-checker.ts';
import { name, type Violation } from '../violations.ts';
import type { Notified, SleeperHistory } from './history.ts';

export function checkSleepers(history: RunHistory): Violation[] {
  return [
    ...checkRepeats(history.notified),
    ...history.sleepers.flatMap((sleeper) => {
      const notified = history.notified.filter(
        ({ notification: { userId, deviceId } }) =>
          userId === sleeper.userId && deviceId === sleeper.deviceId,
      );
      return [...checkUntold(sleeper, notified, history), ...checkTooLate(sleeper, notified, history)];
    }),
  ];
}

const find = (what: string): Violation => ({ invariant: 'I11', what });

function checkRepeats(notified: readonly Notified[]): Violation[] {
  const contents = new Map<string, string>();
  return notified.flatMap(({ notification }) => {
    const { notificationId } = notification;
    const content = JSON.stringify(notification);
    const before = contents.get(notificationId);
    contents.set(notificationId, content);
    return before === undefined || before === content
      ? []
      : [find(`${notificationId} was ${before}, and is ${content}`)];
  });
}

function checkUntold(
  { userId, deviceId, acknowledged }: SleeperHistory,
  notified: readonly Notified[],
  history: RunHistory,
): Violation[] {
  // It may have been taken, though nobody heard the answer.
  const cursor = Math.max(0, ...acknowledged.map((one) => one.cursor));
  return history.truths
    .filter((truth) => truth.userId === userId && !everBlocks(history, truth))
    .flatMap((truth) => {
      const waiting = waitingIn(truth, eventsOf(history, userId), cursor);
      const newest = Math.max(...waiting.map(({ seq }) => seq));
      const told = notified
        .filter(({ notification }) => notification.conversationId === truth.conversationId)
        .map(({ notification }) => notification.seq);
      if (waiting.length === 0 || told.some((seq) => seq >= newest)) return [];
      const what = `${userId}/${deviceId} had ${cursor}, and was never told of ${truth.conversationId}/${newest}`;
      return [find(`${what}, but of ${JSON.stringify(told)}`)];
    });
}

const eventsOf = ({ mailboxes }: RunHistory, userId: string): readonly SyncEvent[] =>
  mailboxes.find((mailbox) => mailbox.userId === userId)!.events;

/** What is to be told of, as it stands in the end; by then nothing is less read, or less recalled, than it was. */
function waitingIn(truth: Truth, events: readonly SyncEvent[], cursor: number): Message[] {
  return events.flatMap((event) => {
    if (event.kind !== 'message' || event.syncSeq <= cursor) return [];
    const { message } = event;
    if (message.conversationId !== truth.conversationId || isVoid(message)) return [];
    if (message.from === truth.userId || message.type === 'control') return [];
    if (message.silent || message.recalled) return [];
    return message.seq > truth.readSeq && message.seq >= truth.floorSeq ? [message] : [];
  });
}

function checkTooLate(
  { userId, deviceId, acknowledged }: SleeperHistory,
  notified: readonly Notified[],
  history: RunHistory,
): Violation[] {
  const places = new Map<string, number>();
  for (const event of eventsOf(history, userId)) {
    if (event.kind === 'message') places.set(name(event.message), event.syncSeq);
  }
  return notified.flatMap(({ notification, decidedAt }) => {
    const syncSeq = places.get(name(notification)) ?? Infinity;
    const isOver = acknowledged.some(
      ({ cursor, doneAt }) => cursor >= syncSeq && doneAt !== undefined && doneAt < decidedAt,
    );
    return isOver
      ? [find(`${userId}/${deviceId} was told of ${name(notification)}, which it had acknowledged`)]
      : [];
  });
}
