// What the client needs of the world: time, chance, sockets and news of the network. Tests bring their own.
import { ImError } from './errors.ts';

export type CancelTimer = () => void;

export interface Environment {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** A fresh id: 22 url-safe characters, 128 random bits. */
  readonly newId: () => string;
  readonly setTimer: (callback: () => void, delayMs: number) => CancelTimer;
  /** Calls `wake` when the network seems to be back; returns how to stop that. */
  readonly watchNetwork: (wake: () => void) => () => void;
}

/** The part of the standard WebSocket that the client uses; the npm package `ws` has it too. */
export interface WebSocketLike {
  send(data: string): void;
  close(): void;
  /** Ends without the closing handshake, where there is such a thing. */
  terminate?(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  /** HTTP status of a refused handshake, where the platform tells. */
  readonly handshakeStatus?: number | undefined;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** What only a page has. */
type BrowserGlobals = Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>> & {
  readonly document?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> & {
    readonly visibilityState: string;
  };
};

export const standardEnvironment: Environment = {
  now: () => Date.now(),
  random: () => Math.random(),
  newId: () => encodeUrlSafe(crypto.getRandomValues(new Uint8Array(16))),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  watchNetwork(wake) {
    const globals = globalThis as BrowserGlobals;
    const { document } = globals;
    const wakeIfVisible = () => {
      if (document?.visibilityState === 'visible') wake();
    };
    globals.addEventListener?.('online', wake);
    document?.addEventListener('visibilitychange', wakeIfVisible);
    return () => {
      globals.removeEventListener?.('online', wake);
      document?.removeEventListener('visibilitychange', wakeIfVisible);
    };
  },
};

/** @throws ImError `bad_request` */
export function standardWebSocket(): WebSocketConstructor {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor };
  if (!WebSocket) throw new ImError('bad_request', 'webSocket: this platform has none, pass one');
  return WebSocket;
}

/** Rejects with ImError `timeout` when that takes longer. */
export async function within<T>(
  { setTimer }: Pick<Environment, 'setTimer'>,
  delayMs: number,
  awaited: Promise<T>,
  message: string,
): Promise<T> {
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = setTimer(() => reject(new ImError('timeout', message, { retryable: true })), delayMs);
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    cancel();
  }
}

function encodeUrlSafe(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
