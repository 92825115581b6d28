// Messages by what they say, page by page, as the server finds them.
import type { Message } from '../protocol/messages.ts';
import type { Request } from './connection/connection.ts';

export interface SearchOptions {
  /** Default: all of this user's. */
  readonly conversationId?: string;
  /** Only messages of this user. */
  readonly from?: string;
  /** 1–50, default 20; a page may hold fewer, or none. */
  readonly limit?: number;
  /** Of the page before. */
  readonly cursor?: string;
}

export interface SearchPage {
  /** Newest first. */
  readonly hits: readonly Message[];
  /** What to ask for the page after this one; absent at the end. */
  readonly next?: SearchOptions;
}

/** Rejects with ImError. */
export async function searchMessages(
  ask: Request,
  query: string,
  options: SearchOptions,
): Promise<SearchPage> {
  const { hits, next: cursor } = await ask('search', { query, ...options });
  return {
    hits: hits.filter((hit) => hit !== undefined),
    ...(cursor !== undefined && { next: { ...options, cursor } }),
  };
}
