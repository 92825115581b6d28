// Where a file is to be had: asked of the server when it is shown, and kept as long as it is good.
import type { Client } from '../client.ts';
import { checkOpen, type Device } from '../device.ts';
import { ImError } from '../errors.ts';
import type { Message } from '../../protocol/messages.ts';
import type { OutgoingMessage } from '../outbox/outgoing.ts';

/** A message, sent or on its way, with a file's name in its body. */
export type NamesFile =
  | Pick<Message, 'conversationId' | 'seq' | 'body'>
  | Pick<OutgoingMessage, 'conversationId' | 'seq' | 'body'>;

export interface MediaUrlOptions {
  /** The one that is kept did not serve: another is asked for. */
  readonly anew?: boolean;
}

interface Kept {
  readonly url: Promise<string>;
  /** Until then; as long as it is asked for, without end. */
  until: number;
}

/** Whoever begins to load a file has some time for it. */
const MARGIN_MS = 60_000;
const MAX_KEPT = 1_000;

const keptOf = new WeakMap<Device, Map<string, Kept>>();

/**
 * The address that a message's file, or an avatar, is loaded from: of `media:<key>` a signed one, good for a quarter of an
 * hour; web addresses are as they are. Rejects with ImError: `not_found` (gone, or never there), `not_member`, `bad_request`
 * where there is no file, `connection_lost` and the like without a connection.
 */
export async function mediaUrl(
  client: Client,
  of: string | NamesFile,
  { anew = false }: MediaUrlOptions = {},
): Promise<string> {
  const { device } = client;
  checkOpen(device);
  const named: unknown = typeof of === 'string' ? of : of.body['url'];
  // Nothing that would run: what others sent becomes a link.
  if (typeof named === 'string' && /^https?:\/\//i.test(named)) return named;
  if (typeof named !== 'string' || !named.startsWith('media:')) {
    throw new ImError('bad_request', 'url: is neither media:<key> nor a web address');
  }
  const place = typeof of === 'string' ? {} : placeOf(of);
  const key = `${place.conversationId} ${named}`;
  const kept = keptOf.get(device) ?? new Map<string, Kept>();
  keptOf.set(device, kept);
  const found = kept.get(key);
  if (found && !anew && device.environment.now() < found.until) return found.url;
  return ask(device, kept, key, { media: named, ...place });
}

function ask(
  device: Device,
  kept: Map<string, Kept>,
  key: string,
  file: { readonly media: string; readonly conversationId?: string; readonly seq?: number },
): Promise<string> {
  const answer = device.ask('download', file);
  const entry: Kept = { url: answer.then(({ url }) => url), until: Infinity };
  kept.delete(key);
  kept.set(key, entry);
  answer.then(
    ({ expiresAt }) => (entry.until = expiresAt - MARGIN_MS),
    () => {
      if (kept.get(key) === entry) kept.delete(key);
    },
  );
  for (const oldest of kept.keys()) {
    if (kept.size <= MAX_KEPT) break;
    kept.delete(oldest);
  }
  return entry.url;
}

function placeOf({ conversationId, seq }: NamesFile): { conversationId?: string; seq?: number } {
  return { conversationId, ...(seq !== undefined && { seq }) };
}
