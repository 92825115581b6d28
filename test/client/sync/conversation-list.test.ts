// The list of conversations to start over with is complete, wherever the mailbox begins.
import { expect, test } from 'vitest';
import type { Request } from '../../../src/client/connection/connection.ts';
import { listConversations } from '../../../src/client/sync/conversation-list.ts';
import { range } from '../ranges.ts';

interface Asked {
  readonly after: number;
  readonly limit: number;
}

/** A mailbox whose entry n names the conversation n, and which keeps the entries above `kept`. */
function mailbox(kept: () => number, head: number): { request: Request; asked: string[] } {
  const asked: string[] = [];
  const request = async (action: string, { after, limit }: Asked) => {
    asked.push(action);
    if (after < kept()) return { reset: true, head };
    if (action === 'pending') return { total: 0, conversations: [], more: true, head };
    const next = Math.min(after + limit, head);
    const events = range(next - after, after + 1).map((syncSeq) => ({
      syncSeq,
      slot: { conversationId: `g:${syncSeq}`, seq: 1, void: true },
    }));
    return { events, next, head, more: next < head };
  };
  return { request: request as unknown as Request, asked };
}

const idsAbove = (kept: number, head: number) => range(head - kept, kept + 1).map((n) => `g:${n}`);

test.each([1, 2, 17, 500, 999, 1000])('all above position %i of 1000 are named', async (kept) => {
  const { request, asked } = mailbox(() => kept, 1_000);
  expect([...(await listConversations(request, 0, 1_000))]).toEqual(idsAbove(kept, 1_000));
  expect(asked.filter((action) => action === 'pending').length).toBeLessThanOrEqual(10);
});

test('what expires while it is read is passed over', async () => {
  let kept = 100;
  const { request, asked } = mailbox(() => kept, 1_000);
  const whileRead = (async (...parameters: Parameters<Request>) => {
    const answer = await request(...parameters);
    if (asked.at(-1) === 'sync') kept = 600;
    return answer;
  }) as Request;
  const named = await listConversations(whileRead, 0, 1_000);
  expect([...named]).toEqual(expect.arrayContaining(idsAbove(600, 1_000)));
});
