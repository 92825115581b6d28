// What the client keeps, in terms of messages: what is small is in memory too, and changes when it is durable.
import type { Message } from '../../protocol/messages.ts';
import { ImError } from '../errors.ts';
import type { Arrival, Timeline } from './gap-buffer.ts';
import { migrate, migrations, type Migration } from './migrations.ts';
import {
  everythingOf,
  key,
  type ConversationRecord,
  type Identity,
  type Meta,
  type OutboxRecord,
  type PushRecord,
} from './schema.ts';
import type { Change, KeyRange, Storage, StoredEntry } from '../storage/storage.ts';

interface Loaded {
  readonly conversations: readonly ConversationRecord[];
  readonly waiting: readonly Arrival[];
  readonly outbox: readonly OutboxRecord[];
  readonly push?: PushRecord | undefined;
}

export class Store {
  readonly #storage: Storage;
  #currentMeta: Meta;
  #cleared = false;
  #currentPush: PushRecord | undefined;
  readonly #records = new Map<string, ConversationRecord>();
  readonly #early = new Map<string, readonly Arrival[]>();
  /** As loaded; the outbox keeps its own from then on. */
  readonly unsent: readonly OutboxRecord[];

  private constructor(storage: Storage, meta: Meta, loaded: Loaded) {
    this.#storage = storage;
    this.#currentMeta = meta;
    for (const record of loaded.conversations) this.#records.set(record.conversationId, record);
    for (const arrival of loaded.waiting) {
      const { conversationId, seq } = arrival.slot;
      // A batch of a life that ended may have come after this device went on without it: it was shown since.
      if (seq <= (this.#records.get(conversationId)?.shownSeq ?? 0)) continue;
      this.#early.set(conversationId, [...(this.#early.get(conversationId) ?? []), arrival]);
    }
    this.unsent = loaded.outbox;
    this.#currentPush = loaded.push;
  }

  /**
   * Opens what is there, brought up to the present schema, or begins anew with what `identify` returns.
   * Rejects with ImError `storage` if a newer version of this library wrote it.
   */
  static async open(
    storage: Storage,
    identify: () => Promise<Identity>,
    steps: readonly Migration[] = migrations,
  ): Promise<Store> {
    const found = await migrate(storage, steps);
    const meta = found ?? {
      ...(await identify()),
      schemaVersion: steps.length + 1,
      position: null,
      complete: true,
    };
    if (!found) await storage.commit([{ key: key.meta, value: meta }]);
    return new Store(storage, meta, await load(storage));
  }

  get meta(): Meta {
    return this.#currentMeta;
  }

  get push(): PushRecord | undefined {
    return this.#currentPush;
  }

  async keepPush(push: PushRecord | undefined): Promise<void> {
    await this.commit([{ key: key.push, value: push }]);
    this.#currentPush = push;
  }

  get conversations(): Iterable<ConversationRecord> {
    return this.#records.values();
  }

  knows(conversationId: string): boolean {
    return this.#records.has(conversationId);
  }

  conversation(conversationId: string, complete = this.#currentMeta.complete): ConversationRecord {
    // Where an unknown conversation begins: at its beginning, if nothing was missed since this device is there.
    const shownSeq = complete ? 0 : null;
    return (
      this.#records.get(conversationId) ?? { conversationId, shownSeq, unread: 0, countedSeq: 0, last: null }
    );
  }

  timeline(conversationId: string, complete = this.#currentMeta.complete): Timeline {
    const { shownSeq } = this.conversation(conversationId, complete);
    return { shownSeq, waiting: this.#early.get(conversationId) ?? [] };
  }

  /** Conversations in which something waits for a hole to be filled. */
  get withHoles(): readonly string[] {
    return [...this.#early.keys()];
  }

  list(range: KeyRange): Promise<StoredEntry[]> {
    return this.#storage.list(range);
  }

  /** Shown messages in seq order, without voids and control messages. */
  async messages(
    conversationId: string,
    query: { before?: number; after?: number; limit: number },
  ): Promise<Message[]> {
    const { before = Infinity, after = 0, limit } = query;
    const last = Math.min(before - 1, this.conversation(conversationId).shownSeq ?? 0);
    const range = {
      from: key.message(conversationId, after + 1),
      to: key.message(conversationId, last),
      limit,
    };
    const ascending = query.after !== undefined;
    const entries = await this.list({ ...range, order: ascending ? 'ascending' : 'descending' });
    const messages = entries.map(({ value }) => value as Message);
    return ascending ? messages : messages.toReversed();
  }

  /** As it is stored. */
  async message(conversationId: string, seq: number): Promise<Message | undefined> {
    const at = key.message(conversationId, seq);
    return (await this.list({ from: at, to: at }))[0]?.value as Message | undefined;
  }

  /** What removes the messages up to and including a seq. */
  async removalsUpTo(conversationId: string, seq: number): Promise<Change[]> {
    const range = { from: key.message(conversationId, 0), to: key.message(conversationId, seq) };
    return removalsOf(await this.list(range));
  }

  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    if (this.#cleared) throw new ImError('closed', 'The local data were cleared');
    await this.#write(changes);
  }

  /** One batch: durable first, then in memory. */
  async update(update: Update): Promise<void> {
    const meta = update.meta && { ...this.#currentMeta, ...update.meta };
    const changes: Change[] = [...(update.changes ?? [])];
    for (const { record, timeline } of update.conversations ?? []) {
      changes.push({ key: key.conversation(record.conversationId), value: record });
      changes.push(...this.#waitingChanges(record.conversationId, timeline.waiting));
    }
    if (meta) changes.push({ key: key.meta, value: meta });
    await this.commit(changes);
    if (meta) this.#currentMeta = meta;
    if (update.isAnew) {
      this.#records.clear();
      this.#early.clear();
    }
    for (const { record, timeline } of update.conversations ?? []) {
      this.#records.set(record.conversationId, record);
      if (timeline.waiting.length > 0) this.#early.set(record.conversationId, timeline.waiting);
      else this.#early.delete(record.conversationId);
    }
  }

  /** Nothing is left of this device, and nothing comes any more. */
  async clear(): Promise<void> {
    // What is under way is written when a later batch is.
    const barrier = this.commit([{ key: key.trial(0), value: null }]);
    this.#cleared = true;
    await barrier;
    await this.#write(removalsOf(await this.list({ from: '', to: '~' })));
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  async #write(changes: readonly Change[]): Promise<void> {
    try {
      await this.#storage.commit(changes);
    } catch (cause) {
      throw cause instanceof ImError
        ? cause
        : new ImError('storage', 'The storage cannot be written', { cause });
    }
  }

  #waitingChanges(conversationId: string, waiting: readonly Arrival[]): Change[] {
    const before = new Set(this.#early.get(conversationId));
    const now = new Set(waiting);
    return [
      ...[...before]
        .filter((arrival) => !now.has(arrival))
        .map(({ slot }) => ({ key: key.waiting(conversationId, slot.seq), value: undefined })),
      ...waiting
        .filter((arrival) => !before.has(arrival))
        .map((arrival) => ({ key: key.waiting(conversationId, arrival.slot.seq), value: arrival })),
    ];
  }
}

export const removalsOf = (entries: readonly StoredEntry[]): Change[] =>
  entries.map((entry) => ({ key: entry.key, value: undefined }));

export interface Update {
  /** No conversation is known any more; `changes` removes what is stored of them. */
  readonly isAnew?: boolean;
  readonly meta?: Partial<Pick<Meta, 'mailbox' | 'position' | 'complete'>>;
  readonly conversations?: readonly { readonly record: ConversationRecord; readonly timeline: Timeline }[];
  readonly changes?: readonly Change[];
}

async function load(storage: Storage): Promise<Loaded> {
  const values = async <T>(prefix: string) =>
    (await storage.list(everythingOf(prefix))).map(({ value }) => value as T);
  return {
    conversations: await values<ConversationRecord>('conversation'),
    waiting: await values<Arrival>('waiting'),
    outbox: await values<OutboxRecord>('outbox'),
    push: (await storage.list({ from: key.push, to: key.push }))[0]?.value as PushRecord | undefined,
  };
}
