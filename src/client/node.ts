// The client on Node: sockets from `ws`, and local data in a file.
import { WebSocket, type ClientOptions as SocketOptions } from 'ws';
import type { WebSocketConstructor } from './environment.ts';
import { ImClient, type ClientOptions, type ConnectOptions } from './im-client.ts';
import { FileStorage } from './storage/file.ts';

/** Tells, other than a browser, with which HTTP status a handshake was refused. */
export class NodeWebSocket extends WebSocket {
  handshakeStatus: number | undefined;

  constructor(url: string, protocols: string[], options?: SocketOptions) {
    super(url, protocols, options);
    this.on('error', ({ message }) => {
      const status = /^Unexpected server response: (\d+)$/.exec(message)?.[1];
      if (status) this.handshakeStatus = Number(status);
    });
  }
}

interface NodeOptions {
  /** Keeps the local data in this file; without it, in memory. */
  readonly file?: string;
}

/** `ImClient.connect` with Node's parts. */
export async function connect({ file, ...options }: ConnectOptions & NodeOptions): Promise<ImClient> {
  return ImClient.connect(await withNodeParts(options, file));
}

/** `ImClient.open` with Node's parts. */
export async function open({ file, ...options }: ClientOptions & NodeOptions): Promise<ImClient> {
  return ImClient.open(await withNodeParts(options, file));
}

async function withNodeParts<Options extends ClientOptions>(
  options: Options,
  file: string | undefined,
): Promise<Options> {
  const webSocket = NodeWebSocket as unknown as WebSocketConstructor;
  const storage = options.storage ?? (file === undefined ? undefined : await FileStorage.open(file));
  return { webSocket, ...options, ...(storage && { storage }) };
}
