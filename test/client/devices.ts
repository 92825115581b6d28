// Devices with the real client in them, and a journal of all that it told.
import { randomUUID } from 'node:crypto';
import type { ClientEvents, MessageEvent } from '../../src/client/client-events.ts';
import { NodeWebSocket } from '../../src/client/node.ts';
import { ImClient, type ClientOptions } from '../../src/client/im-client.ts';
import type { WebSocketConstructor } from '../../src/client/environment.ts';
import type { Cloud } from '../../local/cloud.ts';

export const nodeWebSocket = NodeWebSocket as unknown as WebSocketConstructor;

export type EventRecord = {
  [Name in keyof ClientEvents]: { name: Name; payload: ClientEvents[Name] };
}[keyof ClientEvents];

const eventNames = [
  'connecting',
  'connected',
  'syncing',
  'synced',
  'disconnected',
  'kicked',
  'tokenExpired',
  'message',
  'messageChanged',
  'readChanged',
  'ephemeral',
  'typing',
  'presence',
  'profilesChanged',
  'contactChanged',
  'conversationChanged',
  'unreadChanged',
  'membersChanged',
  'groupChanged',
  'sendState',
  'reset',
  'error',
] as const satisfies readonly (keyof ClientEvents)[];

/** How long a test waits for what must come; only ever used up by a test that fails. */
const PATIENCE_MS = 20_000;

export class Recorder {
  readonly records: EventRecord[] = [];
  private readonly watchers = new Set<() => void>();

  readonly listeners = Object.fromEntries(
    eventNames.map((name) => [
      name,
      (payload: never) => {
        this.records.push({ name, payload });
        this.look();
      },
    ]),
  ) as NonNullable<ClientOptions['on']>;

  of<Name extends keyof ClientEvents>(name: Name): ClientEvents[Name][] {
    return this.records
      .filter((record) => record.name === name)
      .map(({ payload }) => payload as ClientEvents[Name]);
  }

  get messages(): MessageEvent[] {
    return this.of('message');
  }

  get texts(): unknown[] {
    return this.messages.map(({ message }) => message.body['text']);
  }

  /** Has waiting conditions looked at again: something changed that is no event. */
  look(): void {
    for (const watcher of this.watchers) watcher();
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    let watcher = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        watcher = () => {
          if (condition()) resolve();
        };
        this.watchers.add(watcher);
        const seen = () => this.records.map(({ name }) => name).join(' ');
        timer = setTimeout(
          () => reject(new Error(`Waited for ${what} in vain; there was: ${seen()}`)),
          PATIENCE_MS,
        );
      });
    } finally {
      clearTimeout(timer);
      this.watchers.delete(watcher);
    }
  }

  /** Waits for one more event of that name. */
  async next<Name extends keyof ClientEvents>(name: Name): Promise<ClientEvents[Name]> {
    const seen = this.of(name).length;
    await this.until(() => this.of(name).length > seen, `another ${name}`);
    return this.of(name)[seen]!;
  }
}

export interface Device {
  readonly im: ImClient;
  readonly seen: Recorder;
}

export type DeviceOptions = Partial<ClientOptions> & { readonly userId: string };

/** Devices of one cloud; all are closed together. */
export class Devices {
  private readonly cloud: Cloud;
  private readonly open: ImClient[] = [];

  constructor(cloud: Cloud) {
    this.cloud = cloud;
  }

  /** Not started. */
  async prepare({ userId, ...options }: DeviceOptions): Promise<Device> {
    const seen = new Recorder();
    const im = await ImClient.open({
      url: `${this.cloud.url}/dev`,
      token: () => this.cloud.issueToken(userId),
      platform: 'bot',
      webSocket: nodeWebSocket,
      on: seen.listeners,
      ...options,
    });
    this.open.push(im);
    return { im, seen };
  }

  async connect(options: DeviceOptions): Promise<Device> {
    const device = await this.prepare(options);
    await device.im.start();
    return device;
  }

  async close(): Promise<void> {
    await Promise.all(this.open.splice(0).map((im) => im.close()));
  }
}

/** A cloud that closes while messages are on their way to devices waits for them in vain. */
export async function closeWhenSettled(cloud: Cloud): Promise<void> {
  await cloud.settled();
  await cloud.close();
}

export const newUser = (name: string) => `${name}-${randomUUID().slice(0, 8)}`;
export const directId = (a: string, b: string) => (a < b ? `d:${a}:${b}` : `d:${b}:${a}`);
export { range } from './ranges.ts';
