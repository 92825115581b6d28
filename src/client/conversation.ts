// One conversation, as an app works with it.
import type { Body } from '../protocol/body.ts';
import { isGroupId } from '../protocol/ids.ts';
import type { Message, Reaction } from '../protocol/messages.ts';
import type { ConversationSettings, Role } from '../protocol/server-frames.ts';
import type { ConversationEvents } from './client-events.ts';
import { checkOpen, send, type Device } from './device.ts';
import type { FileOptions } from './files/send-file.ts';
import type { Listener } from './events.ts';
import { pagesOf, type HistoryPage, type HistoryQuery } from './history.ts';
import type { AnswerTo } from './frames.ts';
import { loaded } from './loading.ts';
import type { GroupUpdate, MembersQuery, ReceiptsQuery } from './extra-operations.ts';
import { compose } from './outbox/compose.ts';
import type { Content, OutgoingMessage, SendOptions } from './outbox/outgoing.ts';
import type { Gives, OperationName, Takes } from './operations.ts';
import type { ConversationSummary } from './summaries.ts';

/** `next`: there is a further page. */
export type Receipts = AnswerTo<'receipts'>;

/** After the conversation. */
type More<All> = All extends readonly [string, ...infer Others] ? Others : never;

export class Conversation {
  readonly conversationId: string;
  /** For the doors beside this one. @internal */
  readonly device: Device;

  constructor(conversationId: string, device: Device) {
    this.conversationId = conversationId;
    this.device = device;
  }

  readonly #ask = <Name extends OperationName>(name: Name, ...takes: More<Takes<Name>>): Gives<Name> =>
    this.device.ask(name, ...([this.conversationId, ...takes] as unknown as Takes<Name>));

  get summary(): ConversationSummary {
    return this.device.summary(this.conversationId);
  }

  get unread(): number {
    return this.summary.unread;
  }

  /** This user has read everything up to here. */
  get readSeq(): number {
    return this.summary.readSeq;
  }

  /** The other user of a direct conversation has read everything up to here. */
  get peerReadSeq(): number {
    return this.summary.peerReadSeq;
  }

  /**
   * This user has read everything up to that seq (default: all that was shown). Resolves when it is kept here; it goes
   * out within a second, or when there is a connection. Sending does the same by itself.
   */
  markRead(seq?: number): Promise<void> {
    return this.#ask('markRead', seq);
  }

  /** Who, other than its author, has read a message, and who has not, by the server. Rejects with ImError. */
  receipts(seq: number, query: ReceiptsQuery = {}): Promise<Receipts> {
    return this.#ask('receipts', seq, query);
  }

  /**
   * For all devices of this user, as are the following; each resolves when the server has it, and rejects with ImError.
   * Pinned ones come first in lists.
   */
  pin(on = true): Promise<void> {
    return this.#set({ pinned: on });
  }

  /** Counts in no total and is not notified. */
  mute(on = true): Promise<void> {
    return this.#set({ muted: on });
  }

  /** Until the next message. */
  hide(): Promise<void> {
    return this.#set({ hidden: true });
  }

  /** For this user alone, everything up to that seq (default: all that was shown) is gone, and read. */
  clear(seq?: number): Promise<void> {
    return this.#ask('clearUpTo', seq);
  }

  /** Up to 4 KB; `''` removes it. */
  saveDraft(text: string): Promise<void> {
    return this.#set({ draft: text });
  }

  #set(wanted: Partial<ConversationSettings>): Promise<void> {
    return this.#ask('settings', wanted);
  }

  /**
   * Tells the others that this user types, or `stopped`: an app may call it with every key, it goes out every 3 s at most.
   * A hint: nothing is sent without a connection, and nothing says whether it arrived.
   */
  typing(stopped = false): void {
    this.#ask('typing', stopped).catch(() => {});
  }

  /** Like `ImClient.send`, to this conversation. */
  send(content: Content, options?: SendOptions): OutgoingMessage {
    return send(this.device, this.conversationId, content, options);
  }

  /**
   * Puts a file into the store, tells how far it is, and sends the message that names it: resolves with that, as `send` returns
   * it. Rejects with ImError: `cancelled` by the signal; `too_large`, `not_member` and what else the server says, before a byte
   * is sent; `connection_lost`, or `refused` with the store's `status`, after four tries; as `send` throws. What does this is
   * loaded at the first file.
   */
  async sendFile(file: Blob, options: FileOptions = {}): Promise<OutgoingMessage> {
    const { sendFile } = await loaded(import('./files/send-file.ts'));
    return sendFile(this, file, options);
  }

  /** This conversation's messages that are not sent yet, in the order in which they were given. */
  unsent(): readonly OutgoingMessage[] {
    return this.device.outbox.filter(({ conversationId }) => conversationId === this.conversationId);
  }

  /**
   * What this device has shown, ascending by seq, from local storage: works offline. The newest `limit` (default 50),
   * and after them those that are not sent yet (without a `seq`); or the sent ones before or after a seq. Those that
   * are not kept here any more come from the server; without it, it rejects with ImError where it has none to give.
   */
  messages(
    query: HistoryQuery & ({ readonly before: number } | { readonly after: number }),
  ): Promise<Message[]>;
  messages(query?: HistoryQuery): Promise<(Message | OutgoingMessage)[]>;
  async messages(query: HistoryQuery = {}): Promise<(Message | OutgoingMessage)[]> {
    const { conversationId, device } = this;
    const unsent = this.unsent();
    const messages = await device.ask('shown', conversationId, query);
    if (query.before !== undefined || query.after !== undefined) return messages;
    const own = new Set(
      messages.filter(({ from }) => from === device.userId).map(({ clientMsgId }) => clientMsgId),
    );
    // A rejected one may have taken the clientMsgId of another.
    const others = unsent.filter(({ clientMsgId, state }) => state === 'rejected' || !own.has(clientMsgId));
    // Sent since, and not among what was shown when this began.
    if (others.some(({ state }) => state === 'sent')) return this.messages(query);
    return [...messages, ...others];
  }

  /** A page of the conversation as the server has it, also from before this device. Rejects with ImError. */
  history(query: HistoryQuery = {}): Promise<HistoryPage> {
    return this.#ask('history', query);
  }

  /** Pages from the newest to the oldest, or upwards if the query says `after`; asked for as they are taken. */
  pages(query?: HistoryQuery): AsyncGenerator<HistoryPage, void, undefined> {
    return pagesOf((wanted) => this.history(wanted), query);
  }

  /**
   * Takes an own message back for everybody. Rejects with ImError: `recall_expired` (2 minutes by default), `forbidden`,
   * `not_found`; `connection_lost` and the like after a few tries.
   */
  recall(seq: number): Promise<void> {
    return this.#ask('recall', seq);
  }

  /**
   * Gives an own message another body of its type; a string is a text. Rejects with ImError as `recall` does (15 minutes
   * by default), and as `send` throws.
   */
  async edit(seq: number, body: string | Body): Promise<void> {
    checkOpen(this.device);
    const { conversationId, device } = this;
    const composed = compose(typeof body === 'string' ? body : { type: 'custom', body });
    await device.ask('edit', conversationId, seq, device.environment.newId(), composed.body);
  }

  /**
   * Reacts to a message, or takes that back. Resolves to its reactions as they are then; rejects with ImError: `too_large`
   * beyond 20 emoji or 500 reactions, `not_found`.
   */
  react(seq: number, emoji: string): Promise<Reaction[]> {
    return this.#ask('react', { seq, emoji, remove: false });
  }

  unreact(seq: number, emoji: string): Promise<Reaction[]> {
    return this.#ask('react', { seq, emoji, remove: true });
  }

  /**
   * Says that the app shows this conversation: of a large group, messages come live only meanwhile (`message` events), and
   * those that were missed come now. Returns how to say that it does no more.
   */
  open(): () => void {
    const { device, conversationId } = this;
    if (!isGroupId(conversationId)) return () => {};
    const lookId = device.environment.newId();
    // A client that is closed shows nothing.
    device.ask('open', conversationId, lookId).catch(() => {});
    return () => void device.ask('shut', lookId).catch(() => {});
  }

  /** What a group is called, who may do what in it, and what this user is in it. Rejects with ImError, as all of these. */
  group(): Promise<AnswerTo<'group'>> {
    return this.#ask('group');
  }

  /** A page of the group's members, in the order of their ids; `next`: there is a further one. */
  members(query: MembersQuery = {}): Promise<AnswerTo<'members'>> {
    return this.#ask('members', query);
  }

  add(users: readonly string[]): Promise<AnswerTo<'addMembers'>> {
    return this.#ask('addMembers', [...users]);
  }

  remove(users: readonly string[]): Promise<AnswerTo<'removeMembers'>> {
    return this.#ask('removeMembers', [...users]);
  }

  /** The owner of others hands over first (`forbidden`). */
  leave(): Promise<void> {
    return this.#ask('leaveGroup');
  }

  /** For everybody; its owner alone. */
  dismiss(): Promise<void> {
    return this.#ask('dismissGroup');
  }

  update(wanted: GroupUpdate): Promise<AnswerTo<'group'>> {
    return this.#ask('updateGroup', wanted);
  }

  /** `owner` hands the group over. */
  setRole(userId: string, role: Role): Promise<void> {
    return this.#ask('setRole', userId, role);
  }

  /** 0 ends it. Resolves to when it ends, in milliseconds since the epoch; 0: not muted. */
  muteMember(userId: string, seconds: number): Promise<number> {
    return this.#ask('muteMember', userId, seconds);
  }

  /** Returns how to unsubscribe. */
  on<Name extends keyof ConversationEvents>(
    name: Name,
    listener: Listener<ConversationEvents[Name]>,
  ): () => void {
    return this.device.events.on(name, (payload) => {
      const ofOne = payload as ConversationEvents[Name];
      if (ofOne.conversationId === this.conversationId) listener(ofOne);
    });
  }
}
