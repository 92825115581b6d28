// How a client stands to its server, as an app shows it: its state, and what the last event said of it.
import type { Client } from '../client.ts';
import type { ClientEvents } from '../client-events.ts';
import type { ImError } from '../errors.ts';
import type { ClientState } from '../session.ts';
import { createSource, keep, type Source } from './source.ts';

export interface ConnectionStatus {
  readonly state: ClientState;
  /** While `disconnected`: why, and when it is tried again; no time: it is not. */
  readonly error?: ImError;
  /** Milliseconds since the epoch. */
  readonly retryAt?: number;
  /** While `kicked`: by whom. */
  readonly kicked?: ClientEvents['kicked'];
  /** The token is not taken any more, and there was no other. */
  readonly isTokenExpired?: boolean;
}

export function connectionSource(client: Client): Source<ConnectionStatus> {
  return createSource<ConnectionStatus>({ state: client.state }, (set, get) => {
    const show = (more: Omit<ConnectionStatus, 'state'> = {}) =>
      set(keep(get(), { state: client.state, ...more }));
    const keepReason = () => {
      const { isTokenExpired } = get();
      show({ ...(isTokenExpired && { isTokenExpired }) });
    };
    const ends = [
      client.on('connecting', keepReason),
      client.on('connected', () => show()),
      client.on('syncing', () => show()),
      client.on('synced', () => show()),
      client.on('disconnected', ({ error, retryInMs }) =>
        show({
          error,
          ...(retryInMs !== undefined && { retryAt: Date.now() + retryInMs }),
          ...(error.code === 'unauthorized' && { isTokenExpired: true }),
        }),
      ),
      client.on('kicked', (kicked) => show({ kicked })),
      client.on('tokenExpired', ({ error }) => show({ error, isTokenExpired: true })),
    ];
    if (get().state !== client.state) show();
    return () => ends.forEach((end) => end());
  });
}
