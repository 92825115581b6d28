// What tabs tell each other: classes as plain data, for a channel between pages carries no others.
import type { Message } from '../../protocol/messages.ts';
import type { ClientEvents } from '../client-events.ts';
import { ImError } from '../errors.ts';
import type { Gives, OperationName, Takes } from '../operations.ts';
import type { Draft } from '../outbox/outbox.ts';
import type { OutgoingMessage, SendState } from '../outbox/outgoing.ts';
import type { ClientState } from '../session.ts';
import type { ConversationSummary } from '../summaries.ts';

export type PackedError = Pick<ImError, 'code' | 'message' | 'retryable' | 'retryAfterMs' | 'status'>;

export type PackedOutgoing = Pick<
  OutgoingMessage,
  | 'clientMsgId'
  | 'conversationId'
  | 'from'
  | 'type'
  | 'body'
  | 'silent'
  | 'replyTo'
  | 'mentions'
  | 'createdAt'
  | 'message'
> & { readonly state: SendState; readonly error: PackedError | undefined };

/** Of each conversation, the seq of the newest message that a tab has shown. */
export type Positions = ReadonlyMap<string, number>;

/** What a tab has to know of a holder before it follows its events. */
export interface Joined {
  readonly userId: string;
  readonly deviceId: string;
  readonly state: ClientState;
  readonly lastKick: number;
  readonly totalUnread: number;
  readonly conversations: readonly ConversationSummary[];
  readonly outbox: readonly PackedOutgoing[];
  /** Messages after the positions that the tab told, in the order of each conversation. */
  readonly missed: readonly Message[];
}

/** What the holder does for tabs, beyond what any device does when it is asked. All of it may be done twice. */
export interface HolderActions {
  join(positions: Positions | undefined): Promise<Joined>;
  send(draft: Draft): Promise<void>;
  retry(clientMsgId: string): Promise<void>;
  discard(clientMsgId: string): Promise<void>;
  /** Steps down, and keeps the place for that tab. */
  yieldTo(tabId: string): Promise<void>;
  /** Removes all local data; every tab is closed. */
  clear(): Promise<void>;
}

export type Actions = HolderActions & {
  readonly [Name in OperationName]: (...takes: Takes<Name>) => Gives<Name>;
};
export type ActionName = keyof Actions;

export type Result = { readonly value: unknown } | { readonly error: PackedError };

/** From the holder to all tabs; its own hears it without a channel. */
export interface Report {
  readonly kind: 'report';
  /** Each holder has a higher number than those before it: what one has told may be heard when it is gone. */
  readonly holder: number;
  readonly state: ClientState;
  /** When the device was told to stay away last, among all such times; 0: never. */
  readonly lastKick: number;
  readonly totalUnread: number;
  readonly event: PackedEvent;
}

export type PackedEvent =
  | { readonly name: keyof ClientEvents; readonly payload: unknown }
  /** The holder is there. */
  | { readonly name: 'hello' }
  | { readonly name: 'cleared' }
  | { readonly name: 'discarded'; readonly clientMsgId: string };

export interface Call {
  readonly kind: 'call';
  readonly id: string;
  readonly action: ActionName;
  readonly takes: readonly unknown[];
  /** As far as the tab had heard when it asked. */
  readonly lastKick: number;
  /** The first holder that was asked; absent until then. */
  first?: number;
}

/** All tabs hear it, and some so late that one of them is a later holder by then. */
export interface AddressedCall extends Call {
  readonly holder: number;
}

export type TabMessage =
  | Report
  | AddressedCall
  | { readonly kind: 'answer'; readonly id: string; readonly result: Result }
  /** A new tab asks whether there is a holder. */
  | { readonly kind: 'who' };

export function packError({ code, message, retryable, retryAfterMs, status }: ImError): PackedError {
  return { code, message, retryable, retryAfterMs, status };
}

export function unpackError({ code, message, ...details }: PackedError): ImError {
  return new ImError(code, message, details);
}

export function packOutgoing(outgoing: OutgoingMessage): PackedOutgoing {
  const { clientMsgId, conversationId, from, type, body, silent, createdAt, message, state } = outgoing;
  const { replyTo, mentions } = outgoing;
  const error = outgoing.error && packError(outgoing.error);
  const content = { type, body, silent, replyTo, mentions };
  return { clientMsgId, conversationId, from, ...content, createdAt, message, state, error };
}

export function packPayload<Name extends keyof ClientEvents>(
  name: Name,
  payload: ClientEvents[Name],
): unknown {
  if (name === 'sendState') return packOutgoing((payload as ClientEvents['sendState']).message);
  if (!('error' in payload)) return payload;
  return { ...payload, error: packError(payload.error) };
}

/** Of every event but `sendState`, which a tab makes of its own outgoing message. */
export function unpackPayload<Name extends keyof ClientEvents>(
  _name: Name,
  payload: unknown,
): ClientEvents[Name] {
  const { error, ...rest } = payload as { error?: PackedError };
  return { ...rest, ...(error && { error: unpackError(error) }) } as ClientEvents[Name];
}
