// The client of one page or process, which holds the device itself.
import { Client } from './client.ts';
import { within } from './environment.ts';
import { LocalDevice } from './local-device.ts';
import type { ClientOptions, ConnectOptions } from './options.ts';

export type { ClientOptions, ConnectOptions } from './options.ts';

const CONNECT_TIMEOUT_MS = 30_000;

export class ImClient extends Client<LocalDevice> {
  /**
   * Opens the local data, connects, and resolves when this device has everything. Rejects with ImError: `refused`
   * (`status` 400 or 403, where the platform tells it), `unauthorized` (three tokens were refused, or it is no JWT),
   * `wrong_user`, `storage`, `timeout` (to go on trying instead, use `open` and `start`).
   */
  static async connect(options: ConnectOptions): Promise<ImClient> {
    const client = await ImClient.open(options);
    const { timeoutMs = CONNECT_TIMEOUT_MS } = options;
    try {
      await within(client.device.environment, timeoutMs, client.start(), 'Not connected in time');
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /**
   * Opens the local data only: conversations and messages can be read, and messages sent, offline. `start()` connects.
   * Asks for a token if there are no data yet, to learn whose they will be.
   */
  static async open(options: ClientOptions): Promise<ImClient> {
    return new ImClient(await LocalDevice.open(options));
  }
}
