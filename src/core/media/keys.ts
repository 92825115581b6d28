// What files are called: after the conversation that they are for, or after who shows them to everybody.
import { isObject } from '../../protocol/body.ts';
import { parseConversationId } from '../../protocol/ids.ts';
import type { Message } from '../../protocol/messages.ts';

const PREFIX = 'media:';

export type MediaName =
  | {
      readonly kind: 'conversation';
      readonly key: string;
      readonly conversationId: string;
      readonly id: string;
    }
  | { readonly kind: 'public'; readonly key: string };

export const conversationMediaKey = (conversationId: string, id: string) => `c/${conversationId}/${id}`;
export const publicMediaKey = (userId: string, id: string) => `p/${userId}/${id}`;
/** Of an export, in order; the prefix is the lifecycle rule's (lib/media.ts). */
export const EXPORTS_PREFIX = 'x/';
export const exportFileKey = (userId: string, exportId: string, part: number) =>
  `${EXPORTS_PREFIX}${userId}/${exportId}/${part}.jsonl`;
/** As it stands in a message's `url`. */
export const toMedia = (key: string) => `${PREFIX}${key}`;

/** `undefined`: it names nothing that is kept here. */
export function parseMedia(media: string): MediaName | undefined {
  if (!media.startsWith(PREFIX)) return undefined;
  const key = media.slice(PREFIX.length);
  const [prefix, owner = '', id = '', ...rest] = key.split('/');
  if (rest.length > 0 || !/^[\w-]+$/.test(id)) return undefined;
  if (prefix === 'c' && parseConversationId(owner)) {
    return { kind: 'conversation', key, conversationId: owner, id };
  }
  return prefix === 'p' && owner !== '' ? { kind: 'public', key } : undefined;
}

export type Naming = Pick<Message, 'conversationId' | 'seq' | 'from' | 'type' | 'body'>;

/** The file that a message brings with it: one of its own conversation. Others it may name, to no effect. */
export function mediaOf({ conversationId, type, body }: Omit<Naming, 'seq' | 'from'>) {
  if (type === 'text' || type === 'custom' || type === 'control' || !isObject(body)) return undefined;
  const { url } = body;
  const media = typeof url === 'string' ? parseMedia(url) : undefined;
  return media?.kind === 'conversation' && media.conversationId === conversationId ? media : undefined;
}
