// Sends a file: into the store first, then the message that names it.
import type { Client } from '../client.ts';
import type { Conversation } from '../conversation.ts';
import { checkOpen } from '../device.ts';
import { compose } from '../outbox/compose.ts';
import type { OutgoingMessage, SendOptions } from '../outbox/outgoing.ts';
import { upload, type UploadOptions } from './upload.ts';

export type FileType = 'image' | 'voice' | 'video' | 'file';

export interface FileOptions extends UploadOptions, Pick<SendOptions, 'silent' | 'replyTo' | 'mentions'> {
  /** Default: what its MIME type says. */
  readonly type?: FileType;
  /** Shown with it. */
  readonly text?: string;
  /** Of a picture or a video, in pixels: its place is known before it is there. */
  readonly width?: number;
  readonly height?: number;
  /** Of what is heard or seen, in milliseconds. */
  readonly durationMs?: number;
}

/**
 * Resolves with the outgoing message, when the file is in the store and its message in the outbox. Rejects with ImError:
 * `cancelled`; `too_large`, `not_member` and what else the server says, before a byte is sent; `connection_lost`, or `refused`
 * with the store's `status`, after four tries; as `send` throws.
 */
export async function sendFile(
  conversation: Conversation,
  file: Blob,
  options: FileOptions = {},
): Promise<OutgoingMessage> {
  const { device, conversationId } = conversation;
  checkOpen(device);
  const { text, width, height, durationMs, silent, replyTo, mentions } = options;
  const wanted = describe(file, options);
  const type = options.type ?? typeOf(wanted.mime);
  const more = { text, width, height, durationMs };
  const contentOf = (url: string) => ({ type, body: { url, ...wanted, ...more } });
  // What could not be sent is not worth a way to the store.
  compose(contentOf('media:'));
  const media = await upload(device, file, { conversationId, ...wanted }, options);
  const sendOptions = { silent, replyTo, mentions };
  const given = Object.entries(sendOptions).filter(([, value]) => value !== undefined);
  const message = conversation.send(contentOf(media), Object.fromEntries(given));
  await message.stored;
  return message;
}

/** A picture for everybody, 5 MB at most: resolves with the `avatar` of a profile or a group. Rejects as `sendFile` does. */
export async function uploadAvatar(client: Client, file: Blob, options: UploadOptions = {}): Promise<string> {
  checkOpen(client.device);
  return upload(client.device, file, describe(file, options), options);
}

function describe(file: Blob, options: UploadOptions): { name: string; size: number; mime: string } {
  // Without parameters, as `charset`.
  const mime = options.mime ?? (file.type.split(';')[0]!.trim() || 'application/octet-stream');
  const ownName = 'name' in file && typeof file.name === 'string' ? file.name : '';
  return { name: options.name ?? (ownName || typeOf(mime)), size: file.size, mime };
}

function typeOf(mime: string): FileType {
  const [kind] = mime.split('/');
  if (kind === 'image' || kind === 'video') return kind;
  return kind === 'audio' ? 'voice' : 'file';
}
