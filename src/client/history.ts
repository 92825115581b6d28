// A conversation as the server has it, page by page.
import type { Message } from '../protocol/messages.ts';
import type { Request } from './connection/connection.ts';
import { ImError } from './errors.ts';
import { askHistory } from './slots.ts';
import { isShowable } from './store/versions.ts';

export interface HistoryQuery {
  /** Messages below this seq, the newest of them first to come. Default: the newest there are. */
  readonly before?: number;
  /** Instead of `before`: messages above this seq, the oldest of them first to come. */
  readonly after?: number;
  /** Instead of both: half the page before that time (a date, or milliseconds since the epoch), half from it on. */
  readonly around?: Date | number;
  /** 1–100 slots, default 50; a page may hold fewer messages: slots can be void, or tell of another message. */
  readonly limit?: number;
}

export interface HistoryPage {
  /** Ascending by seq. */
  readonly messages: readonly Message[];
  /** The lowest seq that this user may see. */
  readonly floorSeq: number;
  /** The newest seq given out. */
  readonly headSeq: number;
  /** Nothing further in the direction asked. */
  readonly end: boolean;
  /** The newest slots of this page are being settled: ask again in a few seconds. */
  readonly pending: boolean;
  /** What to ask for the page after this one; absent at the end. */
  readonly next?: HistoryQuery;
}

/** Rejects with ImError. */
export async function readHistory(
  ask: Request,
  conversationId: string,
  { around, ...query }: HistoryQuery,
): Promise<HistoryPage> {
  const time = around !== undefined && { around: Number(around) };
  const { slots, ...page } = await askHistory(ask, { conversationId, ...query, ...time });
  const edge = query.after === undefined ? slots[0]?.seq : slots.at(-1)?.seq;
  const next =
    query.after === undefined
      ? { ...query, before: edge ?? query.before }
      : { ...query, after: edge ?? query.after };
  const messages = slots.filter(isShowable);
  return { ...page, messages, ...(!page.end && { next: next as HistoryQuery }) };
}

/** From a page onwards; asked for as they are taken. */
export async function* pagesOf(
  history: (query: HistoryQuery) => Promise<HistoryPage>,
  query: HistoryQuery = {},
): AsyncGenerator<HistoryPage, void, undefined> {
  for (let next: HistoryQuery | undefined = query; next;) {
    const page = await history(next);
    if (page.next && page.messages.length === 0 && page.pending) {
      throw new ImError('unavailable', 'history: a message is still being stored', { retryable: true });
    }
    yield page;
    next = page.next;
  }
}
