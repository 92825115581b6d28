// A device that has a storage and nobody to talk to: its connection never opens.
import type { WebSocketLike } from '../../../src/client/environment.ts';
import type { ClientOptions } from '../../../src/client/options.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';

/** `onConnect` hears where it tries to connect to. */
export const unconnected = (onConnect: (url: string) => void = () => {}): ClientOptions => ({
  url: 'ws://nowhere.example',
  token: `e30.${btoa('{"sub":"alice"}')}.e30`,
  platform: 'web',
  storage: new MemoryStorage(),
  webSocket: class implements WebSocketLike {
    constructor(url: string) {
      onConnect(url);
    }
    addEventListener() {}
    send() {}
    close() {}
  },
});
