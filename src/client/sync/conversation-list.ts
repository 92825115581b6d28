// The user's conversations as the server lists them: for a device that the mailbox does not tell of all of them.
import type { Request } from '../connection/connection.ts';
import type { ListedConversation } from '../extra-frames.ts';
import type { Inbox } from './inbox.ts';

const PAGE_SIZE = 100;

interface Parts {
  readonly inbox: Inbox;
  readonly request: Request;
}

/** Those that are hidden too. Rejects with ImError. */
export async function listConversations(request: Request): Promise<ListedConversation[]> {
  const listed: ListedConversation[] = [];
  for (const hidden of [false, true]) {
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const fields = { limit: PAGE_SIZE, ...(hidden && { hidden }), ...(cursor !== undefined && { cursor }) };
      const page = await request('conversations', fields);
      listed.push(...page.conversations.flatMap((conversation) => conversation ?? []));
      cursor = page.next;
    }
  }
  return listed;
}

/** Notes what the list says; a conversation that is not known here begins after its newest message. */
export async function takeList({ inbox }: Parts, listed: readonly ListedConversation[]): Promise<void> {
  await inbox.note(
    listed.map(({ conversationId, readSeq, peerReadSeq, unread, lastSeq, last, group }) => ({
      conversationId,
      readSeq,
      isTold: true,
      peerReadSeq,
      group,
      counted: { unread, seq: lastSeq },
      begin: { shownSeq: lastSeq, last },
    })),
  );
  await inbox.take({ settings: listed });
}
