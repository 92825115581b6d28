// What Apple's devices are sent, directly or through SNS.
import { createHash } from 'node:crypto';
import type { Notification } from '../../core/notifications/notification.ts';
import { fitPreview } from './fit-preview.ts';

const MAX_PAYLOAD_BYTES = 4_096;
const MAX_COLLAPSE_ID_BYTES = 64;

export function apnsPayload(notification: Notification): string {
  const { title, from, fromName = from, preview, badge, conversationId, seq, count } = notification;
  return fitPreview(preview, MAX_PAYLOAD_BYTES, (shown) =>
    JSON.stringify({
      aps: {
        // Of a group: who of it.
        alert: {
          title,
          ...(title !== fromName && { subtitle: fromName }),
          ...(shown !== null && { body: shown }),
        },
        ...(badge !== undefined && { badge }),
        'thread-id': conversationId,
        sound: 'default',
      },
      conversationId,
      seq,
      count,
    }),
  );
}

export function apnsCollapseId({ collapseId }: Notification): string {
  if (Buffer.byteLength(collapseId) <= MAX_COLLAPSE_ID_BYTES) return collapseId;
  return createHash('sha256').update(collapseId).digest('base64url');
}
