// What a device's user sees, over all lives of its app: what is stored is drawn first, then come the events; of a
// conversation that comes into the list later, likewise.
import type { Client } from '../../src/client/client.ts';
import type { Message } from '../../src/protocol/messages.ts';
import type { HistoryPage } from '../../src/client/history.ts';
import type { Shown, Told } from './history.ts';

const PAGE = 100;

/** One life of the app. */
class Life {
  /** Conversations whose stored messages it has drawn. */
  readonly drawn = new Set<string>();
  /** Under way. */
  drawings = 0;
  /** What comes meanwhile waits. */
  held: Message[] = [];
}

export class Screen {
  readonly shown: Shown[] = [];
  private readonly keys = new Set<string>();
  /** Drawn while events came: their own, if it is still to come, is no second showing. */
  private readonly foretold = new Set<string>();
  /** Messages of before the tables were made anew: whoever still has them on the disk shows them until it learns of that. */
  private past: ReadonlySet<string> = new Set();
  private life = new Life();

  /** The app begins: what comes waits until all that is stored is drawn. */
  begin(): void {
    this.life = new Life();
    this.life.drawings++;
  }

  /** `live`: events come meanwhile. */
  async drawAll(client: Client, live: boolean): Promise<void> {
    const { life } = this;
    for (const { conversationId } of await client.conversations()) {
      life.drawn.add(conversationId);
      // Conversation after conversation, as an app does it.
      const stored = await messagesOf(client, conversationId);
      if (life === this.life) this.draw(stored, live);
    }
    this.endDrawing(life);
  }

  /** A group that this user is in again comes with what is kept of it. */
  async drawLate(client: Client, conversationId: string): Promise<void> {
    const { life } = this;
    if (life.drawn.has(conversationId)) return;
    life.drawn.add(conversationId);
    life.drawings++;
    const stored = await messagesOf(client, conversationId).catch(() => []);
    if (life === this.life) this.draw(stored, true);
    this.endDrawing(life);
  }

  hear(message: Message): void {
    if (this.life.drawings > 0) this.life.held.push(message);
    else if (!this.foretold.delete(keyOf(message))) this.show(message);
  }

  /** Of all that was, nothing counts any more. */
  beginAnew(past: ReadonlySet<string>): void {
    this.past = past;
    this.shown.length = 0;
    this.keys.clear();
    this.foretold.clear();
  }

  private endDrawing(life: Life): void {
    if (--life.drawings > 0 || life !== this.life) return;
    for (const message of life.held.splice(0)) this.hear(message);
  }

  private draw(stored: readonly Message[], isForetold: boolean): void {
    for (const message of stored) {
      const key = keyOf(message);
      if (this.keys.has(key) || this.past.has(message.clientMsgId)) continue;
      if (isForetold) this.foretold.add(key);
      this.show(message);
    }
  }

  private show(message: Message): void {
    if (this.past.has(message.clientMsgId)) return;
    this.shown.push(asShown(message));
    this.keys.add(keyOf(message));
  }
}

/** All that a device has of a conversation. */
export async function messagesOf(client: Client, conversationId: string): Promise<Message[]> {
  const conversation = client.conversation(conversationId);
  const all: Message[] = [];
  for (let after = 0; ;) {
    const messages = await conversation.messages({ after, limit: PAGE });
    all.push(...messages);
    const last = messages.at(-1);
    if (!last || messages.length < PAGE) return all;
    after = last.seq;
  }
}

const textOf = ({ recalled, body }: Message): string | undefined =>
  recalled ? undefined : String(body['text']);

export function asShown(message: Message): Shown {
  const { conversationId, seq, from, clientMsgId } = message;
  return { conversationId, seq, from, clientMsgId, text: textOf(message) };
}

const keyOf = ({ conversationId, seq }: { conversationId: string; seq: number }) =>
  `${conversationId}#${seq}`;

/** The SDK leaves voids out of a page: they are what is missing from it. One that is `pending` ends with its messages. */
export function toldBy(
  conversationId: string,
  { messages, headSeq, pending }: HistoryPage,
  askedAt: number,
): Told[] {
  const first = messages[0]?.seq ?? headSeq + 1;
  const last = pending ? (messages.at(-1)?.seq ?? 0) : headSeq;
  const told = new Map(messages.map((message) => [message.seq, message]));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const message = told.get(first + index);
    const slot = { conversationId, seq: first + index, askedAt };
    return message ? { ...slot, clientMsgId: message.clientMsgId, text: textOf(message) } : slot;
  });
}
