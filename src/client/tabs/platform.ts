// What tabs need of a browser: a lock that ends with its page, and a way to hear each other.
import { ImError } from '../errors.ts';

/** The part of the standard BroadcastChannel that tabs use. */
export interface Channel {
  postMessage(data: unknown): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

export interface LockOptions {
  readonly steal?: boolean;
  readonly signal?: AbortSignal;
}

/** The part of the standard LockManager that tabs use. */
export interface Locks {
  request(name: string, options: LockOptions, hold: () => Promise<void>): Promise<unknown>;
}

export interface TabPlatform {
  readonly locks: Locks;
  readonly openChannel: (name: string) => Channel;
}

/** @throws ImError `bad_request` */
export function tabPlatform(): TabPlatform {
  const { navigator, BroadcastChannel } = globalThis as unknown as {
    readonly navigator?: { readonly locks?: Locks };
    readonly BroadcastChannel?: new (name: string) => Channel;
  };
  const locks = navigator?.locks;
  if (!locks) throw new ImError('bad_request', 'Tabs need Web Locks, which only https:// and localhost have');
  if (!BroadcastChannel)
    throw new ImError('bad_request', 'Tabs need BroadcastChannel, which is missing here');
  return { locks, openChannel: (name) => new BroadcastChannel(name) };
}
