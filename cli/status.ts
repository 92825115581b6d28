// The connection, in words.
import type { ConnectionStatus } from '../src/client/react/hooks.ts';
import { oneLine } from './text.ts';

export function describeConnection(status: ConnectionStatus): string {
  const { state, error, kicked, isTokenExpired } = status;
  const because = error ? `: ${oneLine(error.message)}` : '';
  switch (state) {
    case 'synced':
      return 'connected';
    case 'connected':
    case 'syncing':
      return 'catching up …';
    case 'stopped':
    case 'connecting':
      return 'connecting …';
    case 'disconnected':
      if (isTokenExpired) return `signed out: the token is not taken${because}`;
      return `offline${because}${status.retryAt === undefined ? '' : ', tries again'}`;
    case 'kicked':
      return kicked?.by
        ? `r: use here – it is in use on another device, ${oneLine(kicked.by.deviceId)}`
        : 'r: use here – it was ended by the service';
    case 'closed':
      return 'closed';
  }
}
