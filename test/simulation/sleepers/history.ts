// What a registered device acknowledged, and what it was notified of.
import type { Notification } from '../../../src/core/notifications/notification.ts';

export interface Acknowledged {
  readonly cursor: number;
  /** When it left the device, and when its answer came; without one nobody knows whether it was done. */
  readonly askedAt: number;
  readonly doneAt?: number;
}

export interface SleeperHistory {
  readonly userId: string;
  readonly deviceId: string;
  readonly acknowledged: readonly Acknowledged[];
}

export interface Notified {
  readonly notification: Notification;
  /** When the notifier began to look at how things stand. */
  readonly decidedAt: number;
}
