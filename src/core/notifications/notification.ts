// What the notifier hands to a push service, and what it tells of each conversation that it decided about.
import type { Platform } from '../../protocol/ids.ts';

export interface Notification {
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: Platform;
  readonly pushToken: string;
  readonly conversationId: string;
  /** Of the newest message that it tells of. */
  readonly seq: number;
  readonly from: string;
  /** What the user calls the sender, or the sender themselves; absent: nothing but their userId. */
  readonly fromName?: string;
  /** Of the group; in a direct conversation the sender’s name. */
  readonly title: string;
  /** What the newest message says, shortened; `null`: not to be shown. */
  readonly preview: string | null;
  /** Messages of this conversation that wait for the device and are unread. */
  readonly count: number;
  /** Unread messages of all conversations that are not muted: exact, or absent. */
  readonly badge?: number;
  /** The same for all notifications of a conversation to a device: a later one takes the place of the one before. */
  readonly collapseId: string;
  /** The same for the same content: whoever has seen it may drop a repeat. */
  readonly notificationId: string;
}

/** A service that brings notifications to devices. */
export interface PushProvider {
  /**
   * `gone`: nobody has that push token any more.
   * @throws Error when it did not take the notification: it is tried again later.
   */
  send(notification: Notification): Promise<'sent' | 'gone'>;
}

/** By the name that devices register with: `webhook`, `sns`, `web-push`, `apns`, `fcm`. */
export interface PushProviders {
  get(name: string): PushProvider | undefined;
}

/** Why nobody was told. */
export type DropReason =
  | 'acknowledged'
  | 'read'
  | 'recalled'
  | 'expired'
  | 'cleared'
  | 'muted'
  | 'silent'
  | 'blocked'
  | 'left'
  | 'unregistered'
  | 'gone'
  | 'no_provider';

/** What became of one conversation's notification; without `reason` where it was sent. */
export interface NotificationReport extends Pick<
  Notification,
  'userId' | 'deviceId' | 'conversationId' | 'seq' | 'notificationId'
> {
  readonly from: string | null;
  readonly title: string | null;
  readonly preview: string | null;
  readonly count: number;
  readonly badge?: number;
  readonly outcome: 'sent' | 'dropped' | 'failed';
  /** A DropReason, or what the provider said. */
  readonly reason?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}
