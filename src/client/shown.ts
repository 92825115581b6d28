// What was shown of a conversation and is not kept here any more: from the server.
import type { Message } from '../protocol/messages.ts';
import type { HistoryPage, HistoryQuery } from './history.ts';
import type { Store } from './store/store.ts';

const PAGE_SIZE = 100;

interface Parts {
  readonly store: Store;
  readonly conversationId: string;
  readonly pages: (query: HistoryQuery) => AsyncIterable<HistoryPage>;
}

export type ShownQuery = HistoryQuery & { readonly limit: number };

/** What is asked for, of which that is kept; ascending by seq. Rejects with ImError. */
export function readShown(parts: Parts, query: ShownQuery, kept: readonly Message[]): Promise<Message[]> {
  return query.after === undefined ? readDown(parts, query, kept) : readUp(parts, query.after, query.limit);
}

async function readDown(
  { store, conversationId, pages }: Parts,
  query: ShownQuery,
  kept: readonly Message[],
): Promise<Message[]> {
  const { shownSeq } = store.conversation(conversationId);
  const before = kept[0]?.seq ?? Math.min(query.before ?? Infinity, (shownSeq ?? 0) + 1);
  const missing = query.limit - kept.length;
  const older: Message[] = [];
  for await (const { messages } of pages({ before, limit: Math.min(PAGE_SIZE, missing) })) {
    older.unshift(...messages);
    if (older.length >= missing) break;
  }
  return [...older.slice(-missing), ...kept];
}

async function readUp(parts: Parts, from: number, limit: number): Promise<Message[]> {
  const { store, conversationId, pages } = parts;
  const { droppedSeq = 0, settings } = store.conversation(conversationId);
  const after = Math.max(from, settings?.clearedSeq ?? 0);
  const older: Message[] = [];
  if (after < droppedSeq) {
    for await (const { messages } of pages({ after, limit: Math.min(PAGE_SIZE, limit) })) {
      older.push(...messages.filter(({ seq }) => seq <= droppedSeq));
      if (older.length >= limit || (messages.at(-1)?.seq ?? 0) >= droppedSeq) break;
    }
  }
  const kept = await store.messages(conversationId, { after: Math.max(after, droppedSeq), limit });
  // Dropped between the two looks.
  if ((store.conversation(conversationId).droppedSeq ?? 0) > droppedSeq) return readUp(parts, after, limit);
  return [...older, ...kept].slice(0, limit);
}
