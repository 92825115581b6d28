// What the control messages of a page of history tell of: history does not say it along with them, as the mailbox does.
import type { Slot } from '../../protocol/messages.ts';
import { targetSeq } from '../../protocol/slots.ts';
import type { Request } from '../connection/connection.ts';
import { askHistory } from '../slots.ts';
import type { Store } from '../store/store.ts';
import { isShowable, type Target } from '../store/versions.ts';

const PAGE_SIZE = 100;

interface Parts {
  readonly store: Store;
  readonly request: Request;
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
