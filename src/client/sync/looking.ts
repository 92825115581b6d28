// Large groups that the app looks at: their messages come as pushes of their own, to who subscribes on this connection.
import type { Request } from '../connection/connection.ts';
import type { GroupPush } from '../frames.ts';
import type { HoleRepair } from './hole-repair.ts';
import type { Inbox } from './inbox.ts';

/** Groups that one request subscribes to. */
const MAX_AT_ONCE = 50;

export interface LookingOptions {
  readonly inbox: Inbox;
  readonly holes: HoleRepair;
  readonly request: Request;
  readonly onError: (error: unknown) => void;
}

export class Looking {
  private readonly options: LookingOptions;
  private active = false;
  /** How often each is open. */
  private readonly open = new Map<string, number>();

  constructor(options: LookingOptions) {
    this.options = options;
  }

  begin(conversationId: string): void {
    const times = this.open.get(conversationId) ?? 0;
    this.open.set(conversationId, times + 1);
    if (times === 0 && this.active) this.subscribe([conversationId]);
  }

  end(conversationId: string): void {
    const times = (this.open.get(conversationId) ?? 0) - 1;
    if (times > 0) return void this.open.set(conversationId, times);
    if (!this.open.delete(conversationId) || !this.active) return;
    this.options.request('unsubscribe', { conversationIds: [conversationId] }).catch(this.options.onError);
  }

  /** Connected, by a connection that knows of nothing yet. */
  resume(): void {
    this.active = true;
    const ids = [...this.open.keys()];
    for (let start = 0; start < ids.length; start += MAX_AT_ONCE) {
      this.subscribe(ids.slice(start, start + MAX_AT_ONCE));
    }
  }

  pause(): void {
    this.active = false;
  }

  async takePush({ conversationId, messages, headSeq }: GroupPush): Promise<void> {
    if (!this.open.has(conversationId)) return;
    await this.options.inbox.take({ arrivals: messages.map((slot) => ({ slot, delivery: 'live' })) });
    await this.options.holes.reach(conversationId, headSeq);
  }

  /** What came before is read from history. A connection that is lost begins anew. */
  private subscribe(conversationIds: string[]): void {
    const { request, holes, onError } = this.options;
    request('subscribe', { conversationIds })
      .then(({ heads }) =>
        Promise.all(Object.entries(heads).map(([id, head]) => holes.reach(id, Number(head)))),
      )
      .catch((error: unknown) => {
        if (this.active) onError(error);
      });
  }
}
