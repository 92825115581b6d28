// One device in all tabs of an app: one of them holds the connection, and the others hear and ask through it.
import { Client } from '../client.ts';
import { within } from '../environment.ts';
import { tabPlatform, type TabPlatform } from './platform.ts';
import { SharedDevice, type SharedOptions } from './shared-device.ts';
import type { Role } from './tab.ts';

export type { SharedOptions } from './shared-device.ts';

const OPEN_TIMEOUT_MS = 30_000;

/** What an `ImClient` does, in any tab. */
export class SharedClient extends Client<SharedDevice> {
  /**
   * Resolves with what is stored at hand, and connects by itself where no other tab is connected. Rejects with ImError
   * as `ImClient.open` does, `timeout` where the tab that is connected does not answer, and `bad_request` where there are no Web Locks or no BroadcastChannel.
   */
  static async open(options: SharedOptions, platform: TabPlatform = tabPlatform()): Promise<SharedClient> {
    const device = new SharedDevice(options, platform);
    try {
      await within(device.environment, OPEN_TIMEOUT_MS, device.tab.ready, 'No tab answers');
      return new SharedClient(device);
    } catch (error) {
      await device.close();
      throw error;
    }
  }

  /** Whether this tab holds the connection, or another. */
  get role(): Role {
    return this.device.tab.role;
  }

  /**
   * Gets the connection into this tab; resolves when it holds it. Rejects with ImError `closed`, `timeout` (the tab that
   * has it does not let go), and as `open` does.
   */
  takeOver(): Promise<void> {
    return this.device.tab.takeOver();
  }
}
