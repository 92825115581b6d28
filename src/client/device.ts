// One user's device, as a client reaches it: in this page, or through the tab that holds it.
import type { ClientEvents } from './client-events.ts';
import type { Environment } from './environment.ts';
import { clientClosed } from './errors.ts';
import type { Emitter } from './events.ts';
import type { Ask } from './operations.ts';
import { toDraft } from './outbox/compose.ts';
import type { Draft } from './outbox/outbox.ts';
import type { Content, OutgoingMessage, SendOptions } from './outbox/outgoing.ts';
import type { ClientState } from './session.ts';
import type { ConversationSummary } from './summaries.ts';

export interface Device {
  readonly userId: string;
  readonly deviceId: string;
  readonly state: ClientState;
  readonly totalUnread: number;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
  /** Everything that is not sent, in the order in which it was given. */
  readonly outbox: readonly OutgoingMessage[];
  summary(conversationId: string): ConversationSummary;
  /** @throws ImError `bad_request` if a message of this clientMsgId is waiting already. */
  add(draft: Draft): OutgoingMessage;
  readonly ask: Ask;
  close(): Promise<void>;
  clear(): Promise<void>;
}

/** @throws ImError `bad_request`, `too_large`, `closed` */
export function send(device: Device, to: string, content: Content, options?: SendOptions): OutgoingMessage {
  checkOpen(device);
  const { userId, environment } = device;
  return device.add(toDraft(to, content, { ...options, userId, newId: environment.newId }));
}

/** @throws ImError `closed` */
export function checkOpen({ state }: Pick<Device, 'state'>): void {
  if (state === 'closed') throw clientClosed();
}
