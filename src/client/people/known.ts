// Users as they are known: how they present themselves, and whom this user keeps.
import type { ClientEvents } from '../client-events.ts';
import type { Device } from '../device.ts';
import { Contacts } from './contacts.ts';
import { Profiles } from './profiles.ts';

export class Known {
  readonly profiles: Profiles;
  readonly contacts: Contacts;

  constructor(device: Device) {
    this.profiles = new Profiles(device);
    this.contacts = new Contacts(device);
  }

  hear<Name extends keyof ClientEvents>(name: Name, payload: ClientEvents[Name]): void {
    this.profiles.hear(name, payload);
    this.contacts.hear(name, payload);
  }
}
