// What an app can do with a device, wherever it is held: a method here serves one page and all tabs of an app.
import type { ClientEvents, MessageEvent } from './client-events.ts';
import { Conversation } from './conversation.ts';
import { checkOpen, send, type Device } from './device.ts';
import type { Listener } from './events.ts';
import type { MediaUrlOptions, NamesFile } from './files/media-url.ts';
import { notUserId } from './errors.ts';
import { loaded } from './loading.ts';
import { isId } from '../protocol/ids.ts';
import type { Contact, Preferences, Presence, Profile } from '../protocol/server-frames.ts';
import type { ContactUpdate, PreferencesUpdate, ProfileUpdate } from './people/operations.ts';
import { People } from './people/people.ts';
import type { AnswerTo } from './frames.ts';
import type { NewGroup, PendingSummary } from './extra-operations.ts';
import { compose, resolveTarget } from './outbox/compose.ts';
import type { Content, OutgoingMessage, SendOptions } from './outbox/outgoing.ts';
import type { SearchOptions, SearchPage } from './search.ts';
import type { ClientState } from './session.ts';
import type { PushTarget } from './store/schema.ts';
import type { ConversationSummary } from './summaries.ts';

export type Skipped = AnswerTo<'createGroup'>['skipped'];

export class Client<Held extends Device = Device> {
  /** For the doors beside this one. @internal */
  readonly device: Held;
  readonly #people: People;

  protected constructor(device: Held) {
    this.device = device;
    this.#people = new People(device);
  }

  get userId(): string {
    return this.device.userId;
  }

  get deviceId(): string {
    return this.device.deviceId;
  }

  /** Of the connection, whichever tab holds it; `closed`, if this client was closed. */
  get state(): ClientState {
    return this.device.state;
  }

  /** Messages of others that were not read, over all conversations that are not muted. */
  get totalUnread(): number {
    return this.device.totalUnread;
  }

  /**
   * Connects, and reconnects from then on; resolves at the first sync to the head. After `kicked` it is the app's to
   * call it again. Rejects with ImError as `connect` does, `kicked`, or `closed`; never for want of a network.
   */
  start(): Promise<void> {
    return this.device.ask('start');
  }

  /**
   * Disconnects and closes the storage, or leaves it to another tab. What is not sent goes out when the client is opened
   * again.
   */
  close(): Promise<void> {
    return this.device.close();
  }

  /**
   * For logging out: disconnects, closes every tab, and removes all that is stored of this device, also what is not sent
   * yet. Rejects with ImError `storage` (some of it may be there: open and clear it again) or `closed`.
   */
  async clear(): Promise<void> {
    checkOpen(this.device);
    await this.device.clear();
  }

  /**
   * Puts a message into the outbox; it goes out by itself. `to` is `user:<userId>` or a conversation id. Returns its
   * local echo at once; its states come as `sendState`, the stored message as `sent`.
   * @throws ImError `bad_request`, `too_large` (body over 16 KB as JSON), `closed`
   */
  send(to: string, content: Content, options?: SendOptions): OutgoingMessage {
    return send(this.device, to, content, options);
  }

  /** Shows a message to whom is connected now. It is not stored, not numbered and not tried again. Rejects with ImError. */
  async sendEphemeral(to: string, content: Content): Promise<void> {
    resolveTarget(to, this.userId);
    await this.device.ask('sendEphemeral', to, compose(content));
  }

  /**
   * The address that a message's file, or an avatar, is loaded from: of `media:<key>` a signed one, good for a quarter of an
   * hour and kept as long; web addresses are as they are. Rejects with ImError: `not_found` (gone, or never there),
   * `not_member`, `bad_request` where there is no file, `connection_lost` and the like without a connection. What does this is
   * loaded with the first address.
   */
  async mediaUrl(of: string | NamesFile, options: MediaUrlOptions = {}): Promise<string> {
    const { mediaUrl } = await loaded(import('./files/media-url.ts'));
    return mediaUrl(this, of, options);
  }

  /** Everything that is not sent yet, in the order in which it was given; also from before a restart, or in other tabs. */
  outbox(): readonly OutgoingMessage[] {
    return this.device.outbox;
  }

  /** `to`: a conversation id, or `user:<userId>`. */
  conversation(to: string): Conversation {
    return new Conversation(resolveTarget(to, this.userId), this.device);
  }

  /** The conversations that this device knows or is to write to, pinned ones first, then the most recent; from local data. */
  conversations(): Promise<ConversationSummary[]> {
    return this.device.ask('conversations');
  }

  /**
   * Messages whose text, or whose attachment's name, contains that: what the server has, so only while it is reached. Go on
   * with `next` until there is none. Rejects with ImError.
   */
  search(query: string, options: SearchOptions = {}): Promise<SearchPage> {
    return this.device.ask('search', query, options);
  }

  /**
   * Makes a group with this user as its owner. `clientGroupId`: 8–40 of `A-Za-z0-9_-`; the same one again is the same
   * group. `skipped`: users that are not in it, and why. Rejects with ImError.
   */
  async createGroup(
    group: NewGroup & { readonly clientGroupId?: string },
  ): Promise<{ readonly conversation: Conversation; readonly skipped: Skipped }> {
    checkOpen(this.device);
    const { clientGroupId = this.device.environment.newId(), ...wanted } = group;
    const { conversationId, skipped } = await this.device.ask('createGroup', clientGroupId, wanted);
    return { conversation: this.conversation(conversationId), skipped };
  }

  /**
   * Asks the server what waits for this device, before or without pulling it, and takes its unread counts over. Where the
   * mailbox does not reach back to this device, nothing is counted, and `more` is true. Rejects with ImError.
   */
  pending(): Promise<PendingSummary> {
    return this.device.ask('pending');
  }

  /**
   * Has this device notified, while it is away, of what waits for it. Kept here until the server has it, over reconnects and
   * restarts, and registered again with a server that was set up anew. Resolves when the server has it; offline, when there
   * is a connection. Rejects with ImError: what the server refuses is not kept; `closed` or `kicked`, and it is told by the
   * next start.
   */
  registerForPush(target: PushTarget): Promise<void> {
    const { pushToken, provider } = target;
    return this.device.ask('registerForPush', { pushToken, ...(provider !== undefined && { provider }) });
  }

  /** Takes that back; kept, told and settled as `registerForPush` is. */
  unregisterForPush(): Promise<void> {
    return this.device.ask('registerForPush', null);
  }

  /**
   * How to show that user: the alias of a contact (once `contacts()` was called), else the name of the profile, else the
   * userId. What is not known is asked for, and told by `profilesChanged`.
   */
  nameOf(userId: string): string {
    return this.#people.aliasOf(userId) ?? this.profile(userId)?.name ?? userId;
  }

  /** As far as it is known now; what is not, or is older than 5 minutes, is asked for, and told by `profilesChanged`. */
  profile(userId: string): Profile | undefined {
    return this.#people.profile(userId);
  }

  /** In the order asked, each once; from the server where they are not known, or are old. Rejects with ImError. */
  async profiles(userIds: readonly string[]): Promise<Profile[]> {
    return (await this.#people.load()).profiles.all(userIds);
  }

  /** What this user shows others: changes what is given. Resolves to all of it. Rejects with ImError. */
  async setProfile(wanted: ProfileUpdate): Promise<Profile> {
    await this.#people.load();
    return this.device.ask('setProfile', wanted);
  }

  /**
   * Whom this user keeps, 10,000 at most, in the order of their ids: asked for once, and kept up to date from then on.
   * Rejects with ImError where the server was never reached.
   */
  async contacts(): Promise<Contact[]> {
    return (await this.#people.load()).contacts.list();
  }

  /** Keeps a user, or changes what is given. For all devices of this user, who alone sees it. Rejects with ImError. */
  async setContact(userId: string, wanted: ContactUpdate = {}): Promise<Contact> {
    const { contacts } = await this.#people.load();
    const contact = await this.device.ask('setContact', userId, wanted);
    contacts.note(userId, contact);
    return contact;
  }

  async removeContact(userId: string): Promise<void> {
    const { contacts } = await this.#people.load();
    await this.device.ask('removeContact', userId);
    contacts.note(userId, undefined);
  }

  /** Whoever is blocked cannot write to this user, and does not see whether they are there. Rejects with ImError. */
  block(userId: string): Promise<void> {
    return this.device.ask('block', userId);
  }

  unblock(userId: string): Promise<void> {
    return this.device.ask('unblock', userId);
  }

  /** Whom this user blocks, by id, 10,000 at most; from the server. Rejects with ImError. */
  blocked(): Promise<string[]> {
    return this.device.ask('blocked');
  }

  /** Who of them is online, by the server, in the order asked, each once. Rejects with ImError. */
  presence(userIds: readonly string[]): Promise<Presence[]> {
    return this.device.ask('presence', [...new Set(userIds)]);
  }

  /**
   * Tells by `presence` who of them is online now, and who comes or goes; after reconnects too. 500 users at most are watched
   * at a time (an `error` event tells of more). Returns how to say that they are watched no more.
   * @throws ImError `bad_request` where one is no userId
   */
  watchPresence(userIds: readonly string[]): () => void {
    const { device } = this;
    const stranger = userIds.find((userId) => !isId(userId));
    if (stranger !== undefined) throw notUserId(stranger);
    const watchId = device.environment.newId();
    device.ask('watch', watchId, userIds).catch(() => {});
    return () => void device.ask('unwatch', watchId).catch(() => {});
  }

  /** What this user wants of the service. Rejects with ImError, as `setPreferences`. */
  preferences(): Promise<Preferences> {
    return this.device.ask('preferences');
  }

  /** Changes what is given, on all devices; resolves to all of it. */
  setPreferences(wanted: PreferencesUpdate): Promise<Preferences> {
    return this.device.ask('setPreferences', wanted);
  }

  /**
   * Asks the server for what this device may have missed (pushes can be lost; a heartbeat notices within 4.5 minutes).
   * Resolves at the head; offline, when the client is there again.
   */
  sync(): Promise<void> {
    return this.device.ask('sync');
  }

  /** Returns how to unsubscribe. */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    return this.device.events.on(name, listener);
  }

  /**
   * Events of one name as an async iterator, from now on, until the signal, a `break` or `close()`. What is not taken
   * yet waits in memory.
   */
  events<Name extends keyof ClientEvents>(
    name: Name,
    signal?: AbortSignal,
  ): AsyncIterableIterator<ClientEvents[Name]> {
    return this.device.events.stream(name, signal);
  }

  /** `events('message')` */
  messages(signal?: AbortSignal): AsyncIterableIterator<MessageEvent> {
    return this.events('message', signal);
  }
}
