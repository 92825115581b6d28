// What is said of a message in one line, and what its body means.
import type { ConversationSummary } from '../src/client/summaries.ts';
import type { Message } from '../src/protocol/messages.ts';
import { words } from './words.ts';

const kinds: Partial<Record<Message['type'], string>> = {
  image: words.picture,
  voice: words.voice,
  video: words.video,
  file: words.file,
};

type Named = (userId: string) => string;

/** As people write several of them. */
export const namesIn = (text: string) => text.split(/[,，;\s]+/).filter((name) => name !== '');

export interface Attachment {
  readonly url: string;
  readonly name: string;
  readonly size?: number;
  readonly mime?: string;
  readonly width?: number;
  readonly height?: number;
}

export function textOf({ type, body }: Pick<Message, 'type' | 'body'>): string {
  const text = body['text'];
  if (typeof text === 'string') return text;
  if (type === 'file' && typeof body['name'] === 'string') return body['name'];
  return kinds[type] ?? '';
}

/** Others say how large it is. */
const isLength = (value: unknown): value is number => typeof value === 'number' && value >= 1;

export function attachmentOf({ type, body }: Pick<Message, 'type' | 'body'>): Attachment | undefined {
  if (!['image', 'voice', 'video', 'file'].includes(type) || typeof body['url'] !== 'string')
    return undefined;
  const { url, name, size, mime, width, height } = body as Record<string, unknown>;
  return {
    url: url as string,
    name: typeof name === 'string' ? name : words.file,
    ...(typeof size === 'number' && { size }),
    ...(typeof mime === 'string' && { mime }),
    ...(isLength(width) && isLength(height) && { width, height }),
  };
}

/** Of a conversation. */
export function titleOf(summary: ConversationSummary, nameOf: Named): string {
  if (summary.kind === 'group') return summary.title || summary.conversationId;
  return nameOf(summary.peer ?? summary.conversationId);
}

export const isMentioned = ({ mentions }: Pick<Message, 'mentions'>, userId: string) =>
  mentions === 'all' || mentions?.includes(userId) === true;

/** In a list, with who said it where that is not clear. */
export function lineOf(
  message: Message,
  { userId, isGroup, nameOf }: { userId: string; isGroup: boolean; nameOf: Named },
): string {
  const isOwn = message.from === userId;
  if (message.recalled) return isOwn ? words.youRecalled : words.recalledBy(nameOf(message.from));
  const text = textOf(message).replaceAll(/\s+/g, ' ');
  if (isOwn) return `${words.you}: ${text}`;
  return isGroup ? `${nameOf(message.from)}: ${text}` : text;
}

/** Nothing but a few emoji: shown large. */
export const isEmojiOnly = (text: string) =>
  /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s)+$/u.test(text) &&
  /\p{Extended_Pictographic}/u.test(text) &&
  [...new Intl.Segmenter().segment(text.trim())].length <= 3;

export const sizeOf = (bytes: number) =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${Math.round(bytes / 1024)} KB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
