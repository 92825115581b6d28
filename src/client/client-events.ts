// Everything that a client tells its app.
import type { Message } from '../protocol/messages.ts';
import type { Contact, ConversationSettings, Profile } from '../protocol/server-frames.ts';
import type { ConversationSummary } from './summaries.ts';
import type { Body } from '../protocol/body.ts';
import type { ImError } from './errors.ts';
import type { EphemeralMessage } from './frames.ts';
import type { Delivery } from './store/gap-buffer.ts';
import type { OutgoingMessage, SendState } from './outbox/outgoing.ts';
import type { ResetReason } from './sync/reset.ts';

export interface MessageEvent {
  readonly conversationId: string;
  readonly message: Message;
  /** `live`: as it happened, or sent from here. `catch-up`: it had been missed. */
  readonly delivery: Delivery;
}

export interface ClientEvents {
  /** `attempt` counts from 0. */
  connecting: { readonly attempt: number };
  /** `renewal`: a connection took over from one that was well; there was no interruption. */
  connected: { readonly renewal: boolean };
  syncing: object;
  /** This device has everything up to the mailbox position. */
  synced: { readonly position: number };
  /** `retryInMs`: milliseconds until the next attempt; absent when there will be none. */
  disconnected: { readonly error: ImError; readonly retryInMs?: number };
  /** Another device of this platform took the place of this one. It stays away until the app calls `start()`. */
  kicked: { readonly reason: string; readonly by?: { readonly deviceId: string; readonly platform: string } };
  /** The server does not take the token (any more), or there was none to be had; `token()` is asked for another. */
  tokenExpired: { readonly error: ImError };
  /** Each message once in the life of this device, own ones included, in the seq order of each conversation. */
  message: MessageEvent;
  /** A message that was shown was edited or recalled: as it is now. */
  messageChanged: { readonly conversationId: string; readonly message: Message };
  /** Not stored and not numbered: shown to whom is there. */
  ephemeral: { readonly message: EphemeralMessage };
  /** Who types in a conversation now: until they stop, their message is there, or nothing was heard of it for 6 s. */
  typing: { readonly conversationId: string; readonly users: readonly string[] };
  /** Profiles that this client asked for, or this user changed: as they are now, where they are others than before. */
  profilesChanged: { readonly users: readonly Profile[] };
  /** A contact of this user, here or on another device; without `contact`: it was removed. */
  contactChanged: { readonly userId: string; readonly contact?: Contact };
  /**
   * Of a user who is watched: as they are found at first, and what changes. `since`: since when, where it is known. Who goes
   * is believed to be gone after 10 s.
   */
  presence: { readonly userId: string; readonly online: boolean; readonly since?: number };
  /** `settings`: they are what changed, here or on another device. */
  conversationChanged: {
    readonly conversationId: string;
    readonly conversation: ConversationSummary;
    readonly settings?: ConversationSettings;
  };
  /** Who came into a group, or went; in the order of its timeline, and once. */
  membersChanged: {
    readonly conversationId: string;
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly by: string;
  };
  /** Something else of a group changed: `change` is what its control message says, with `op`. */
  groupChanged: { readonly conversationId: string; readonly by: string; readonly change: Body };
  /** Numbers of messages of others that were not read; `total` without muted conversations. */
  unreadChanged: { readonly conversationId: string; readonly unread: number; readonly total: number };
  /** This user has read further, here or on another device, or the other user of a direct conversation has. */
  readChanged: { readonly conversationId: string; readonly userId: string; readonly readSeq: number };
  sendState: {
    readonly conversationId: string;
    readonly message: OutgoingMessage;
    readonly state: SendState;
  };
  /**
   * The mailbox did not reach back to this device's position. `behind`: it was filled up from history. `foreign`: the
   * server's mailbox is another one than before, and stored messages were dropped: draw everything anew.
   */
  reset: { readonly reason: ResetReason; readonly head: number };
  /** Something that does not mend itself, as a full disk, or a message that cannot be read; the client goes on. */
  error: { readonly error: ImError };
}

/** Those that belong to one conversation. */
export type ConversationEvents = {
  [
    Name in keyof ClientEvents as ClientEvents[Name] extends OfOneConversation ? Name : never
  ]: ClientEvents[Name] & OfOneConversation;
};

interface OfOneConversation {
  readonly conversationId: string;
}
