// The files that are on their way, by conversation: they go on whichever one is shown meanwhile.
import type { Client } from '../src/client/client.ts';
import type { Conversation } from '../src/client/conversation.ts';
import { ImError } from '../src/client/errors.ts';
import { words } from './words.ts';

export interface Upload {
  readonly id: number;
  readonly conversationId: string;
  readonly name: string;
  /** From 0 to 1. */
  readonly part: number;
  /** Why it ended before it was there. */
  readonly problem?: string;
  /** Takes it back, or out of the list. */
  readonly cancel: () => void;
  readonly retry: () => void;
}

export class Uploads {
  private list: readonly Upload[] = [];
  private readonly listeners = new Set<() => void>();
  private lastId = 0;
  /** By conversation: its files arrive in the order in which they were given. */
  private readonly turns = new Map<string, Promise<void>>();

  readonly get = (): readonly Upload[] => this.list;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  add(conversation: Conversation, files: readonly File[], replyTo?: number): void {
    for (const [index, file] of files.entries())
      this.begin(conversation, file, index === 0 ? replyTo : undefined);
  }

  private begin(conversation: Conversation, file: File, replyTo: number | undefined): void {
    const { conversationId } = conversation;
    const id = ++this.lastId;
    const controller = new AbortController();
    const remove = () => this.set(this.list.filter((one) => one.id !== id));
    const change = (changed: Partial<Upload>) =>
      this.set(this.list.map((one) => (one.id === id ? { ...one, ...changed } : one)));
    const cancel = () => {
      controller.abort();
      remove();
    };
    const retry = () => {
      remove();
      this.begin(conversation, file, replyTo);
    };
    this.set([...this.list, { id, conversationId, name: file.name, part: 0, cancel, retry }]);
    const send = async () => {
      await conversation.sendFile(file, {
        ...(await sizeOfPicture(file)),
        ...(replyTo !== undefined && { replyTo }),
        signal: controller.signal,
        onProgress: (sentBytes, totalBytes) => change({ part: sentBytes / totalBytes }),
      });
      remove();
    };
    const before = this.turns.get(conversationId) ?? Promise.resolve();
    const turn = before.then(send).catch((error: unknown) => change({ problem: explain(error) }));
    this.turns.set(conversationId, turn);
  }

  private set(list: readonly Upload[]): void {
    this.list = list;
    for (const listener of this.listeners) listener();
  }
}

const explain = (error: unknown) =>
  error instanceof ImError && error.code === 'too_large'
    ? words.tooLarge
    : words.didNotWork((error as Error).message);

/** Its place in the timeline is known before it is there. Nothing, of what is no picture. */
async function sizeOfPicture(file: File): Promise<{ width: number; height: number } | undefined> {
  if (!file.type.startsWith('image/')) return undefined;
  try {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return undefined;
  }
}

const ofClients = new WeakMap<Client, Uploads>();

export function uploadsOf(client: Client): Uploads {
  const uploads = ofClients.get(client) ?? new Uploads();
  ofClients.set(client, uploads);
  return uploads;
}
