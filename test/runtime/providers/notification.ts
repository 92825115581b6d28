// A notification as the notifier hands it over.
import type { Notification } from '../../../src/core/notifications/notification.ts';

export const notification: Notification = {
  userId: 'bob',
  deviceId: 'phone',
  platform: 'ios',
  pushToken: 'token-of-bob',
  conversationId: 'd:alice:bob',
  seq: 9,
  from: 'alice',
  title: 'alice',
  preview: 'hi',
  count: 3,
  badge: 7,
  collapseId: 'collapse',
  notificationId: 'notification',
};
