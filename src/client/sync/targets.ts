// What the control messages of a page of history tell of: history does not say it along with them, as the mailbox does.
import type { Message, Slot } from '../../protocol/messages.ts';
import { targetSeq } from '../../protocol/slots.ts';
import type { Request } from '../connection/connection.ts';
import { askHistory } from '../slots.ts';
import type { Arrival } from '../store/gap-buffer.ts';
import type { Store } from '../store/store.ts';
import { isShowable, type Target } from '../store/versions.ts';
import type { Inbox, Intake } from './inbox.ts';

const PAGE_SIZE = 100;

/** Rounds of hearing of changes while one reads. */
const MAX_ROUNDS = 4;

interface Parts {
  readonly store: Store;
  readonly request: Request;
}

interface TakingParts extends Parts {
  readonly inbox: Inbox;
}

interface Reading {
  readonly conversationId: string;
  /** What is read of it, but for what its control messages tell of. Rejects with ImError. */
  readonly read: () => Promise<Intake & { readonly arrivals: readonly Arrival[] }>;
}

/**
 * Takes what is read of a conversation, with what its control messages tell of. What came of a message meanwhile may be newer
 * than what was read of it: then it is read again. Rejects with ImError.
 */
export async function takeRead(parts: TakingParts, reading: Reading): Promise<void> {
  for (let round = 1; round < MAX_ROUNDS; round++) if (await takeUnchanged(parts, reading)) return;
  await takeUnchanged(parts, reading, true);
}

/** @returns false: something came of one of its messages, and nothing was taken. */
async function takeUnchanged(
  parts: TakingParts,
  { conversationId, read }: Reading,
  isLast = false,
): Promise<boolean> {
  const { inbox } = parts;
  const { changed, end } = hearChanges(inbox, conversationId);
  try {
    const intake = await read();
    const slots = intake.arrivals.map(({ slot }) => slot);
    const targets = await readTargets(parts, conversationId, slots);
    const seqs = [...slots, ...targets.map(({ message }) => message)].map(({ seq }) => seq);
    let isUnchanged = true;
    const unless = () => !(isUnchanged = isLast || !seqs.some((seq) => changed.has(seq)));
    await inbox.take({ ...intake, targets, unless });
    return isUnchanged;
  } finally {
    end();
  }
}

/** Messages of a conversation that become something else until `end`, by seq, each as it came last. */
export function hearChanges({ watches }: Inbox, conversationId: string) {
  const changed = new Map<number, Message>();
  const hear = ({ targets = [] }: Intake) => {
    for (const { message } of targets)
      if (message.conversationId === conversationId) changed.set(message.seq, message);
  };
  watches.add(hear);
  return { changed, end: () => watches.delete(hear) };
}

/** Those of the messages stored here, as they are now; what is shown later is read when it is. Rejects with ImError. */
export async function readTargets(
  { store, request }: Parts,
  conversationId: string,
  slots: readonly Slot[],
): Promise<Target[]> {
  const { droppedSeq = 0, shownSeq } = store.conversation(conversationId);
  const controls = new Map<number, number>();
  for (const slot of slots) {
    const seq = targetSeq(slot) ?? 0;
    if (seq > droppedSeq && seq <= (shownSeq ?? 0)) controls.set(seq, slot.seq);
  }
  const targets: Target[] = [];
  let readUpTo = 0;
  for (const seq of [...controls.keys()].toSorted((a, b) => a - b)) {
    if (seq <= readUpTo) continue;
    const inReach = [...controls.keys()].filter((other) => other < seq + PAGE_SIZE);
    const limit = Math.max(...inReach) - seq + 1;
    const page = await askHistory(request, { conversationId, after: seq - 1, limit });
    for (const message of page.slots.filter(isShowable)) {
      const controlSeq = controls.get(message.seq);
      if (controlSeq !== undefined) targets.push({ message, controlSeq });
    }
    readUpTo = seq + limit - 1;
  }
  return targets;
}
