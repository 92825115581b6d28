// `serverless-im-client`: a client for one page or process.
export { ImClient } from '../im-client.ts';
export type { ClientOptions, ConnectOptions } from '../options.ts';
export type { Client } from '../client.ts';
export type { ClientEvents, ConversationEvents, MessageEvent } from '../client-events.ts';
export type { Conversation, Receipts } from '../conversation.ts';
export { ImError, type ImErrorCode } from '../errors.ts';
export type { MediaUrlOptions, NamesFile } from '../files/media-url.ts';
export type { FileOptions, FileType } from '../files/send-file.ts';
export type { HistoryPage, HistoryQuery } from '../history.ts';
export type { SearchOptions, SearchPage } from '../search.ts';
export type { GroupUpdate, NewGroup, PendingSummary } from '../extra-operations.ts';
export type { Content, OutgoingMessage, SendOptions, SendState } from '../outbox/outgoing.ts';
export type { ContactUpdate, PreferencesUpdate, ProfileUpdate } from '../people/operations.ts';
export type { ClientState } from '../session.ts';
export { MemoryStorage } from '../storage/memory.ts';
export type { Storage } from '../storage/storage.ts';
export type { ConversationSummary } from '../summaries.ts';
export type { Message, Reaction } from '../../protocol/messages.ts';
export type {
  Contact,
  ConversationSettings,
  GroupPolicy,
  Preferences,
  Presence,
  Profile,
  Role,
} from '../../protocol/server-frames.ts';
