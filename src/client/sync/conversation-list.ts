// Which conversations the mailbox still knows of: for a device that it does not reach back to any more.
import type { Request } from '../connection/connection.ts';

const PAGE_SIZE = 200;

/** `position`: where the mailbox does not reach back to; `head`: its newest entry. Rejects with ImError. */
export async function listConversations(
  request: Request,
  position: number,
  head: number,
): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  // Page by page: what `pending` counts is complete up to so many conversations only.
  for (let after = await firstKept(request, position, head); after < head;) {
    const page = await request('sync', { after, limit: PAGE_SIZE });
    // It expired meanwhile: whoever tries again begins further on.
    if ('reset' in page) return listConversations(request, after, head);
    for (const { slot } of page.events) if (slot) named.add(slot.conversationId);
    if (!page.more) break;
    after = page.next;
  }
  return named;
}

/** The lowest position that the mailbox reaches back to: it keeps all above one. `pending` acknowledges nothing. */
async function firstKept(request: Request, gone: number, kept: number): Promise<number> {
  if (kept - gone <= 1) return kept;
  const middle = Math.floor((gone + kept) / 2);
  const isGone = 'reset' in (await request('pending', { after: middle }));
  return isGone ? firstKept(request, middle, kept) : firstKept(request, gone, middle);
}
