// A TCP proxy between a client and the cloud, for trouble on the way: cut, freeze, refuse.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Proxy {
  readonly port: number;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private frozen = false;
  private refusing = false;
  private deaf = false;
  private onRefused = () => {};
  private onHeld = () => {};

  private constructor(server: Server, targetPort: number) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.join(client, targetPort));
  }

  static async start(targetPort: number): Promise<Proxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Proxy(server, targetPort);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/dev`;
  }

  /** Breaks all connections, as a network does: without a word of WebSocket. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Half-open: sockets stay, and nothing passes. New ones are taken, and hear nothing. */
  freeze(): void {
    this.frozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const socket of this.sockets) socket.resume();
  }

  /** New connections are taken, and hear nothing; those that are there go on. */
  holdNew(): void {
    this.frozen = true;
  }

  /** Resolves when the next connection is held. */
  heldOne(): Promise<void> {
    return new Promise((resolve) => (this.onHeld = resolve));
  }

  cutOldest(): void {
    const [oldest] = this.sockets;
    oldest?.destroy();
  }

  /** What clients say arrives; what the cloud says does not. */
  deafen(): void {
    this.deaf = true;
  }

  hear(): void {
    this.deaf = false;
  }

  /** No connection comes through any more; those that are there are cut. */
  refuse(): void {
    this.refusing = true;
    this.cut();
  }

  /** Connections that are there stay; no other comes through. */
  refuseNew(): void {
    this.refusing = true;
  }

  accept(): void {
    this.refusing = false;
  }

  /** Resolves when the next connection has been refused. */
  refusedOne(): Promise<void> {
    return new Promise((resolve) => (this.onRefused = resolve));
  }

  async close(): Promise<void> {
    this.cut();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }

  private join(client: Socket, targetPort: number): void {
    if (this.refusing) {
      client.once('close', () => this.onRefused());
      client.destroy();
      return;
    }
    const target = connect(targetPort, '127.0.0.1');
    this.carry(client, target, () => false);
    this.carry(target, client, () => this.deaf);
    if (this.frozen) this.onHeld();
  }

  private carry(from: Socket, to: Socket, isLost: () => boolean): void {
    this.sockets.add(from);
    from.on('data', (data) => {
      if (!isLost()) to.write(data);
    });
    if (this.frozen) from.pause();
    from.on('error', () => {});
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
  }
}
