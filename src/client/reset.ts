// Starting over when the mailbox does not reach back to this device's position.
import type { Request } from './connection.ts';
import { ImError } from './errors.ts';
import type { CancelTimer, Environment } from './environment.ts';
import type { Inbox } from './inbox.ts';
import { backoffMs, repairBackoff } from './reconnect-policy.ts';
import type { Store } from './store.ts';

const PAGE_SIZE = 100;
/** Of a conversation that this device did not know: the newest page; older ones are there in its history. */
const FIRST_PAGE_SIZE = 50;
/** Holes that do not settle are left to the hole repair. */
const MAX_PENDING_ROUNDS = 6;

export type ResetReason =
  /** Away for longer than the mailbox keeps entries: what was missed was read from history instead. */
  | 'behind'
  /** The server's mailbox is not the one that this device knew: what was stored of it is gone. */
  | 'foreign';

interface Parts {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly request: Request;
  readonly environment: Environment;
}

/** Leaves the position where `sync` can go on. Every step may be repeated: a crash in between loses nothing. */
export async function startOver(parts: Parts, head: number): Promise<ResetReason> {
  const { store, inbox } = parts;
  if (store.meta.position !== null && store.meta.position > head) {
    await inbox.forget();
    return 'foreign';
  }
  for (const conversationId of await listConversations(parts)) await fillFromHistory(parts, conversationId);
  await inbox.take({ meta: { position: head, complete: false } });
  return 'behind';
}

async function listConversations({ store, request }: Parts): Promise<Set<string>> {
  const known = [...store.conversations].map(({ conversationId }) => conversationId);
  const answer = await request('pending', {});
  const named = 'reset' in answer ? [] : answer.conversations.map(({ conversationId }) => conversationId);
  return new Set([...known, ...named]);
}

async function fillFromHistory({ store, inbox, request, environment }: Parts, conversationId: string): Promise<void> {
  let pendingRounds = 0;
  for (let end = false; !end && pendingRounds < MAX_PENDING_ROUNDS; ) {
    const known = [...store.conversations].some((record) => record.conversationId === conversationId);
    const after = known ? store.timeline(conversationId).shownSeq : null;
    const fields = after === null ? { conversationId, limit: FIRST_PAGE_SIZE } : { conversationId, after, limit: PAGE_SIZE };
    const page = await request('history', fields).catch((error: unknown) => {
      if (error instanceof ImError && !error.retryable) return undefined;
      throw error;
    });
    // A conversation that the user may read no more has nothing to fill.
    if (!page) return;
    const first = page.messages[0]?.seq ?? page.headSeq + 1;
    await inbox.take({
      arrivals: page.messages.map((slot) => ({ slot, delivery: 'catch-up' })),
      settled: { conversationId, seq: Math.max(page.floorSeq, after === null ? first : 0) - 1 },
    });
    end = (page.end || after === null) && !page.pending;
    if (!page.pending) continue;
    pendingRounds++;
    await wait(environment, backoffMs(repairBackoff, pendingRounds, environment.random()));
  }
}

function wait(environment: Environment, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel: CancelTimer = environment.setTimer(() => {
      cancel();
      resolve();
    }, delayMs);
  });
}
