// Tells an app what became of a conversation, and of the sum of what is unread.
import type { ClientEvents } from './client-events.ts';
import type { Emitter } from './events.ts';
import type { ConversationRecord } from './store/schema.ts';
import type { Store } from './store/store.ts';
import { peerIn, summarize } from './summaries.ts';

export class Changes {
  totalUnread = 0;
  readonly #store: Store;
  readonly #events: Emitter<ClientEvents>;

  constructor(store: Store, events: Emitter<ClientEvents>) {
    this.#store = store;
    this.#events = events;
    this.recount();
  }

  recount(): void {
    this.totalUnread = [...this.#store.conversations].reduce((sum, record) => sum + shareOf(record), 0);
  }

  tell(before: ConversationRecord, after: ConversationRecord): void {
    const { conversationId, unread, readSeq, peerReadSeq, settings } = after;
    const { userId } = this.#store.meta;
    const events = this.#events;
    const conversation = summarize(after, userId);
    const difference = shareOf(after) - shareOf(before);
    this.totalUnread += difference;
    const isOther = settings && settings !== before.settings;
    events.emit('conversationChanged', { conversationId, conversation, ...(isOther && { settings }) });
    const peer = peerIn(conversationId, userId);
    if (readSeq && readSeq !== before.readSeq) {
      events.emit('readChanged', { conversationId, userId, readSeq });
    }
    if (peer && peerReadSeq && peerReadSeq !== before.peerReadSeq) {
      events.emit('readChanged', { conversationId, userId: peer, readSeq: peerReadSeq });
    }
    if (unread === before.unread && difference === 0) return;
    events.emit('unreadChanged', { conversationId, unread, total: this.totalUnread });
  }
}

const shareOf = ({ unread, settings, left }: ConversationRecord) => (settings?.muted || left ? 0 : unread);
