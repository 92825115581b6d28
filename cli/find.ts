// The messages that a command means without naming them.
import type { Client } from '../src/client/client.ts';
import type { Conversation } from '../src/client/conversation.ts';
import type { OutgoingMessage } from '../src/client/outbox/outgoing.ts';
import type { Message } from '../src/protocol/messages.ts';

async function newest(conversation: Conversation): Promise<Message[]> {
  const messages: (Message | OutgoingMessage)[] = await conversation.messages();
  return messages
    .filter((one): one is Message => one.seq !== undefined)
    .filter(({ type, recalled }) => type !== 'control' && !recalled)
    .toReversed();
}

/** Of this user, as far as it is shown at first. */
export async function lastOwn(conversation: Conversation, userId: string): Promise<Message | undefined> {
  return (await newest(conversation)).find(({ from }) => from === userId);
}

/** `back`: 1 is the newest. @throws Error */
export async function ofOthers(conversation: Conversation, userId: string, back: number): Promise<Message> {
  const found = (await newest(conversation)).filter(({ from }) => from !== userId)[back - 1];
  if (!found) throw new Error('There is no such message of others here');
  return found;
}

/** `back`: 1 is the newest. @throws Error */
export async function fileOf(conversation: Conversation, back: number): Promise<Message> {
  const found = (await newest(conversation)).filter(({ body }) => typeof body['url'] === 'string')[back - 1];
  if (!found) throw new Error('There is no such file here');
  return found;
}

export interface Found {
  readonly query: string;
  /** Newest first. */
  readonly hits: readonly Message[];
  readonly hasMore: boolean;
}

const HITS = 20;
/** Of which many may be empty. */
const PAGES = 10;

/** In that conversation, or in all. Rejects with ImError. */
export async function search(
  client: Client,
  query: string,
  within: Conversation | undefined,
): Promise<Found> {
  const hits: Message[] = [];
  const first = within ? { conversationId: within.conversationId, limit: HITS } : { limit: HITS };
  let page = await client.search(query, first);
  hits.push(...page.hits);
  for (let pages = 1; page.next && hits.length < HITS && pages < PAGES; pages += 1) {
    // oxlint-disable-next-line no-await-in-loop -- a page says where the next one begins
    page = await client.search(query, page.next);
    hits.push(...page.hits);
  }
  return { query, hits, hasMore: page.next !== undefined };
}
