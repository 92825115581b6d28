// Whom this user keeps: the list once it was asked for, and what was heard of it since.
import type { Contact } from '../../protocol/server-frames.ts';
import type { ClientEvents } from '../client-events.ts';
import type { Device } from '../device.ts';
import { takeTurns } from '../sync/serial.ts';

export class Contacts {
  readonly #device: Device;
  #kept = new Map<string, Contact>();
  /** Changed while the list is on its way, which may be older. */
  readonly #changed = new Set<string>();
  readonly #inTurn = takeTurns();
  /** The app wants to know. */
  #isWanted = false;
  #isComplete = false;

  constructor(device: Device) {
    this.#device = device;
  }

  /** In the order of their ids. Rejects with ImError where it is not known yet. */
  async list(): Promise<Contact[]> {
    await this.#inTurn(async () => {
      if (!this.#isComplete) await this.#load();
    });
    return [...this.#kept.values()].toSorted((a, b) => (a.userId < b.userId ? -1 : 1));
  }

  aliasOf(userId: string): string | undefined {
    return this.#kept.get(userId)?.alias;
  }

  note(userId: string, contact: Contact | undefined): void {
    this.#changed.add(userId);
    if (contact) this.#kept.set(userId, contact);
    else this.#kept.delete(userId);
  }

  hear<Name extends keyof ClientEvents>(name: Name, payload: ClientEvents[Name]): void {
    if (name === 'contactChanged') {
      const { userId, contact } = payload as ClientEvents['contactChanged'];
      this.note(userId, contact);
    } else if (name === 'reset' || (name === 'connecting' && 'attempt' in payload && payload.attempt === 0)) {
      // A start: where it is another tab's, what the last one had heard it may not have told.
      this.#isComplete = false;
    } else if (name === 'synced' && this.#isWanted && !this.#isComplete) {
      this.list().catch(() => {});
    }
  }

  async #load(): Promise<void> {
    const device = this.#device;
    const before = this.#isWanted ? this.#kept : undefined;
    this.#changed.clear();
    this.#isComplete = true;
    try {
      const listed = await device.ask('contacts');
      const now = new Map(listed.map((contact) => [contact.userId, contact]));
      for (const userId of this.#changed) {
        const contact = this.#kept.get(userId);
        if (contact) now.set(userId, contact);
        else now.delete(userId);
      }
      this.#kept = now;
      this.#isWanted = true;
    } catch (error) {
      this.#isComplete = false;
      if (!before) throw error;
    }
    for (const userId of before ? new Set([...before.keys(), ...this.#kept.keys()]) : []) {
      const contact = this.#kept.get(userId);
      if (JSON.stringify(contact) === JSON.stringify(before?.get(userId))) continue;
      device.events.emit('contactChanged', { userId, ...(contact && { contact }) });
    }
  }
}
