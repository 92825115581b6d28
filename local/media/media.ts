// S3: the buckets of the template, and the endpoint that functions and their clients know them by.
import { setTimeout as delay } from 'node:timers/promises';
import { startMediaEndpoint, type MediaEndpointOptions } from './endpoint.ts';
import { expireObjects } from './lifecycle.ts';
import { ObjectStore } from './store.ts';

export interface MediaOptions extends Omit<MediaEndpointOptions, 'store' | 'clock'> {
  readonly dataDirectory?: string | undefined;
  readonly clock?: () => number;
}

export interface Media {
  /** What functions are given for S3. */
  readonly url: string;
  /** Lifecycle rules, as of that time; resolves with how many objects went. */
  expire(now?: number): Promise<number>;
  close(): Promise<void>;
}

/** AWS looks once a day. */
const lifecycleIntervalMs = 60 * 60_000;

export async function startMedia(options: MediaOptions): Promise<Media> {
  const { model, log, clock = Date.now } = options;
  const store = await ObjectStore.open(options.dataDirectory);
  const endpoint = await startMediaEndpoint({ ...options, store, clock });
  const closing = new AbortController();
  const expire = (now = clock()) => expireObjects(store, model.buckets, now);
  const loop = async () => {
    while (!closing.signal.aborted) {
      await delay(lifecycleIntervalMs, undefined, { signal: closing.signal, ref: false }).catch(
        () => undefined,
      );
      if (!closing.signal.aborted)
        await expire().catch((error: unknown) => log.error('media', String(error)));
    }
  };
  const looping = loop();
  return {
    url: endpoint.url,
    expire,
    async close() {
      closing.abort();
      await looping;
      await endpoint.close();
      await store.close();
    },
  };
}
