// What a client that is not the SDK took of its mailbox: every entry, in order, as the mailbox reads in the end.
import type { Slot } from '../../src/protocol/messages.ts';
import type { SyncEvent } from '../../src/protocol/server-frames.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import type { MailboxTruth, PlainHistory, RunHistory } from './history.ts';
import { wentWith } from './heard.ts';
import { changesOf, isVersion, name, type Violation } from './violations.ts';

interface Case {
  readonly history: RunHistory;
  readonly mailbox: MailboxTruth;
}

export function checkPlain(client: PlainHistory, history: RunHistory): Violation[] {
  const { taken, cursors } = client;
  const where = `${client.userId}/${client.deviceId}`;
  const mailbox = history.mailboxes.find(({ userId }) => userId === client.userId)!;
  const violations: Violation[] = [];
  const find = (invariant: Violation['invariant'], what: string) =>
    violations.push({ invariant, what: `${where} ${what}` });
  taken.forEach((event, index) => {
    if (event.syncSeq !== index + 1) find('I3', `took entry ${event.syncSeq} as its ${index + 1}th`);
  });
  if (taken.length !== mailbox.head) find('I1', `took ${taken.length} of ${mailbox.head} entries`);
  const atEnd = new Map(mailbox.events.map((event) => [event.syncSeq, event]));
  for (const event of taken) {
    const now = atEnd.get(event.syncSeq);
    if (now && !isSame(event, now, { history, mailbox }))
      find('I4', `took ${tell(event)}, which is ${tell(now)}`);
  }
  for (const seen of cursors) {
    if (seen.cursor > seen.taken) find('I5', `had taken ${seen.taken} when its cursor was ${seen.cursor}`);
  }
  return violations;
}

/** The same entry; its message may have been edited or recalled since. */
function isSame(taken: SyncEvent, now: SyncEvent, { history, mailbox }: Case): boolean {
  if (taken.kind !== 'message' || now.kind !== 'message') return taken.kind === now.kind;
  const { message } = taken;
  if (name(message) !== name(now.message)) return false;
  if (isVoid(message) || isVoid(now.message)) return mayBeHidden(message, { history, mailbox });
  if (message.clientMsgId !== now.message.clientMsgId) return false;
  if (message.type === 'control') return true;
  return isVersion(history, now.message, message.recalled ? undefined : String(message.body['text']));
}

/** P5.22: of a group that its user once left, a message that was edited; they read it as a void while they are out. */
function mayBeHidden(slot: Slot, { history, mailbox }: Case): boolean {
  const { conversationId } = slot;
  const went = mailbox.events.some(
    (event) =>
      event.kind === 'conversation' &&
      event.conversationId === conversationId &&
      wentWith.includes(event.change),
  );
  return went && changesOf(history, slot).some(({ kind }) => kind === 'edit');
}

function tell(event: SyncEvent): string {
  if (event.kind !== 'message') return `entry ${event.syncSeq}, a ${event.kind}`;
  const { message } = event;
  return `entry ${event.syncSeq}, ${name(message)} ${isVoid(message) ? 'void' : JSON.stringify(message.body)}`;
}
