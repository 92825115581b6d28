// Tells a message that a storage will never hold from a storage that holds nothing more for now.
import type { Message, Slot } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';
import type { LostSlot } from '../frames.ts';
import type { Change } from '../storage/storage.ts';
import type { Intake } from './inbox.ts';
import { key } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

type Verdict = 'held' | 'refused' | 'full';

/** Room may come and go between two tries: only what happens each time is no chance. */
const ROUNDS = 3;
const PIECE_CHARACTERS = 1_000;
/** Of UTF-8, for one character of JavaScript. */
const MAX_BYTES = 3;

/** With voids for what the storage will never take, if that is why it failed: the rest must not wait for it. */
export async function withoutRefused(
  store: Store,
  { arrivals = [], targets = [] }: Intake,
): Promise<Intake | undefined> {
  const refused = new Set<Slot>();
  for (const slot of [...arrivals.map((arrival) => arrival.slot), ...targets.map(({ message }) => message)]) {
    const verdict = isVoid(slot) ? 'held' : await tryToHold(store, slot);
    if (verdict === 'full') return undefined;
    if (verdict === 'refused') refused.add(slot);
  }
  if (refused.size === 0) return undefined;
  return {
    arrivals: arrivals.map((arrival) =>
      refused.has(arrival.slot) ? { ...arrival, slot: toLost(arrival.slot) } : arrival,
    ),
    targets: targets.filter(({ message }) => !refused.has(message)),
  };
}

const toLost = ({ conversationId, seq }: Slot): LostSlot => ({
  conversationId,
  seq,
  void: true,
  lost: 'unstorable',
});

/** `refused`: the storage does not take this message, but takes as much and more of something else. */
async function tryToHold(store: Store, message: Message): Promise<Verdict> {
  for (let round = 0; round < ROUNDS; round++) {
    if (await holds(store, [message])) return 'held';
    if (!(await holds(store, asMuchAs(message)))) return 'full';
  }
  return 'refused';
}

/** In pieces, for a storage may have a limit for each value. */
function asMuchAs(message: Message): string[] {
  const characters = JSON.stringify(message).length * MAX_BYTES;
  return Array.from({ length: Math.ceil(characters / PIECE_CHARACTERS) }, () => 'x'.repeat(PIECE_CHARACTERS));
}

async function holds(store: Store, values: readonly unknown[]): Promise<boolean> {
  const changes = values.map((value, index): Change => ({ key: key.trial(index), value }));
  try {
    await store.commit(changes);
    await store.commit(changes.map((change) => ({ key: change.key, value: undefined })));
    return true;
  } catch {
    return false;
  }
}
