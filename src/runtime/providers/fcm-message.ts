// The message that Firebase is handed, directly or through SNS.
import type { Notification } from '../../core/notifications/notification.ts';
import { fitPreview } from './fit-preview.ts';

const MAX_MESSAGE_BYTES = 4_096;

/** JSON. `target` says who gets it; that is no part of what a device is sent. */
export function fcmMessage(notification: Notification, target: { readonly token?: string }): string {
  const { from, fromName = from, title, preview, conversationId, seq } = notification;
  const { count, badge, collapseId, notificationId } = notification;
  const messageWith = (shown: string | null) => ({
    ...target,
    notification: { title, ...(shown !== null && { body: shown }) },
    // FCM takes nothing but strings here.
    data: {
      fromName,
      conversationId,
      seq: String(seq),
      count: String(count),
      ...(badge !== undefined && { badge: String(badge) }),
      notificationId,
    },
    android: { collapse_key: collapseId, priority: 'high', notification: { tag: collapseId } },
    apns: {
      headers: { 'apns-collapse-id': collapseId },
      payload: { aps: { ...(badge !== undefined && { badge }) } },
    },
  });
  const maxBytes = MAX_MESSAGE_BYTES + Buffer.byteLength(target.token ?? '');
  return fitPreview(preview, maxBytes, (shown) => JSON.stringify({ message: messageWith(shown) }));
}
