// A WebSocket that writes down its frames.
import type { WebSocketConstructor } from '../../src/client/environment.ts';
import { NodeWebSocket } from '../../src/client/node.ts';

export interface Traffic {
  readonly sent: string[];
  readonly received: string[];
}

/** One log for all sockets of a client. */
export function metered(): { traffic: Traffic; webSocket: WebSocketConstructor } {
  const traffic: Traffic = { sent: [], received: [] };
  class MeteredWebSocket extends NodeWebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.on('message', (data: Buffer) => traffic.received.push(data.toString()));
    }
    override send(data: string): void {
      traffic.sent.push(data);
      super.send(data);
    }
  }
  return { traffic, webSocket: MeteredWebSocket };
}
