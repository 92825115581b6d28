// Starting over when the mailbox does not reach back to this device's position.
import type { Request } from '../connection/connection.ts';
import { ImError } from '../errors.ts';
import { askHistory } from '../slots.ts';
import { listConversations, takeList } from './conversation-list.ts';
import type { Inbox } from './inbox.ts';
import { isForeign, type MailboxState } from './mailbox.ts';
import { everythingOf } from '../store/schema.ts';
import { removalsOf, type Store } from '../store/store.ts';
import { readTargets } from './targets.ts';

const PAGE_SIZE = 100;
/** Of a conversation that this device did not know: the newest page; older ones are there in its history. */
const FIRST_PAGE_SIZE = 50;

export type ResetReason =
  /** Away for longer than the mailbox keeps entries: what was missed was read from history instead. */
  | 'behind'
  /** The server's mailbox is not the one that this device knew: what was stored of it is gone. */
  | 'foreign';

interface Parts {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly request: Request;
}

/** Leaves the position where `sync` can go on. Every step may be repeated: a crash in between loses nothing. */
export async function startOver(parts: Parts, { head, mailbox }: MailboxState): Promise<ResetReason> {
  const { store, inbox, request } = parts;
  const position = store.meta.position ?? 0;
  if (isForeign(store, mailbox) || position > head) {
    await inbox.inTurn(() => forget(store, mailbox));
    return 'foreign';
  }
  const known = [...store.conversations].map(({ conversationId }) => conversationId);
  const listed = await listConversations(request);
  const headSeqs = new Map(listed.map(({ conversationId, lastSeq }) => [conversationId, lastSeq]));
  // A new device has missed nothing: it begins with the list.
  const named = known.length === 0 ? [] : [...known, ...headSeqs.keys()];
  for (const conversationId of new Set(named)) {
    const { shownSeq, large } = store.conversation(conversationId);
    const isUpToDate = store.knows(conversationId) && headSeqs.get(conversationId) === shownSeq;
    // A large group is read when it is opened.
    if (!isUpToDate && !large) await fillFromHistory(parts, conversationId);
  }
  await takeList(parts, listed);
  const stays = named
    .filter((conversationId) => conversationId.startsWith('g:'))
    .map((conversationId) => ({ conversationId, left: !headSeqs.has(conversationId) }));
  await inbox.take({ stays, meta: { position: head, complete: false } });
  return 'behind';
}

/** Conversations and messages, for they are from another mailbox; keeps the device and the outbox. */
async function forget(store: Store, mailbox: string | undefined): Promise<void> {
  const prefixes = ['conversation', 'message', 'waiting'];
  const entries = await Promise.all(prefixes.map((prefix) => store.list(everythingOf(prefix))));
  await store.update({
    isAnew: true,
    meta: { position: 0, complete: true, ...(mailbox !== undefined && { mailbox }) },
    changes: removalsOf(entries.flat()),
  });
}

async function fillFromHistory(parts: Parts, conversationId: string): Promise<void> {
  const { store, inbox, request } = parts;
  for (let end = false; !end;) {
    const after = store.knows(conversationId) ? store.timeline(conversationId).shownSeq : null;
    const range = after === null ? { limit: FIRST_PAGE_SIZE } : { after, limit: PAGE_SIZE };
    const page = await askHistory(request, { conversationId, ...range }).catch((error: unknown) => {
      if (error instanceof ImError && !error.retryable) return undefined;
      throw error;
    });
    // A conversation that the user may read no more has nothing to fill.
    if (!page) return;
    const begin = after === null ? (page.slots[0]?.seq ?? page.headSeq + 1) : 0;
    await inbox.take({
      arrivals: page.slots.map((slot) => ({ slot, delivery: 'catch-up' })),
      targets: await readTargets(parts, conversationId, page.slots),
      settled: { conversationId, seq: Math.max(page.floorSeq, begin) - 1 },
    });
    end = page.end || after === null;
    if (page.pending || (!end && page.slots.length === 0)) {
      throw new ImError('unavailable', 'history: a slot is not settled yet', { retryable: true });
    }
  }
}
