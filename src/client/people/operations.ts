// What a device does when its client asks about people.
import { peopleLimits } from '../../protocol/client-limits.ts';
import type { Contact, Preferences, Presence, Profile } from '../../protocol/server-frames.ts';
import type { ClientEvents } from '../client-events.ts';
import type { Environment } from '../environment.ts';
import type { Emitter } from '../events.ts';
import { askPersistently } from '../persistence.ts';
import { portions } from '../sync/portions.ts';
import type { Extras } from '../extras.ts';
import type { Session } from '../session.ts';

/** Of lists that are asked for page by page: with the largest pages, 10,000 entries. */
const MAX_PAGES = 50;

export interface PeopleParts {
  readonly extras: Extras;
  readonly session: Session;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
}

export interface ProfileUpdate {
  /** 1–64 characters. */
  readonly name?: string;
  /** `media:<key>` or an https URL; `''` takes it away. */
  readonly avatar?: string;
  /** An object of at most 1 KB, for the app. */
  readonly custom?: Readonly<Record<string, unknown>>;
}

export interface ContactUpdate {
  /** Up to 64 characters; `''` takes it away. */
  readonly alias?: string;
  readonly starred?: boolean;
}

/** All are true by default. */
export type PreferencesUpdate = Partial<Record<keyof Preferences, boolean>>;

export const peopleOperations = {
  async typing({ extras }: PeopleParts, conversationId: string, stopped: boolean): Promise<void> {
    extras.typing.tell(conversationId, stopped);
  },

  /** At most 100; an answer holds as many as fit it. */
  async profiles({ session }: PeopleParts, users: readonly string[]): Promise<Profile[]> {
    const found: Profile[] = [];
    for (let more = true; more && found.length < users.length;) {
      const answer = await session.link.ask('profiles', { users: users.slice(found.length) });
      found.push(...answer.users);
      more = answer.users.length > 0;
    }
    return found;
  },

  async setProfile(parts: PeopleParts, wanted: ProfileUpdate): Promise<Profile> {
    const profile = await askPersistently(parts)('profile', wanted);
    parts.events.emit('profilesChanged', { users: [profile] });
    return profile;
  },

  contacts: ({ session }: PeopleParts): Promise<Contact[]> =>
    allPages(async (from) => {
      const { contacts, next } = await session.link.ask('contacts', {
        ...from,
        limit: peopleLimits.contacts.max,
      });
      return { entries: contacts, next };
    }),

  async setContact(parts: PeopleParts, userId: string, wanted: ContactUpdate): Promise<Contact> {
    return (await askPersistently(parts)('contact', { userId, ...wanted })) as Contact;
  },

  async removeContact(parts: PeopleParts, userId: string): Promise<void> {
    await askPersistently(parts)('contact', { userId, remove: true });
  },

  preferences: ({ session }: PeopleParts): Promise<Preferences> => session.link.ask('preferences', {}),

  setPreferences: (parts: PeopleParts, wanted: PreferencesUpdate): Promise<Preferences> =>
    askPersistently(parts)('preferences', wanted),

  async presence({ session }: PeopleParts, userIds: readonly string[]): Promise<Presence[]> {
    const found: Presence[] = [];
    for (const users of portions(userIds, peopleLimits.presence)) {
      found.push(...(await session.link.ask('presence', { users })).users);
    }
    return found;
  },

  /** Resolves when it is ended: what a tab left unanswered is asked of the next one, so that there they are watched too. */
  watch: ({ extras }: PeopleParts, watchId: string, users: readonly string[]): Promise<void> =>
    extras.watching.begin(watchId, users),

  async unwatch({ extras }: PeopleParts, watchId: string): Promise<void> {
    extras.watching.end(watchId);
  },

  async block(parts: PeopleParts, userId: string): Promise<void> {
    await askPersistently(parts)('block', { userId });
  },

  async unblock(parts: PeopleParts, userId: string): Promise<void> {
    await askPersistently(parts)('unblock', { userId });
  },

  blocked: ({ session }: PeopleParts): Promise<string[]> =>
    allPages(async (from) => {
      const { users, next } = await session.link.ask('blocked', { ...from, limit: peopleLimits.blocked.max });
      return { entries: users, next };
    }),
};

type Page<Entry> = { readonly entries: readonly Entry[]; readonly next: string | undefined };

async function allPages<Entry>(
  ask: (from: { readonly cursor?: string }) => Promise<Page<Entry>>,
): Promise<Entry[]> {
  const all: Entry[] = [];
  let from = {};
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { entries, next } = await ask(from);
    all.push(...entries);
    if (next === undefined) break;
    from = { cursor: next };
  }
  return all;
}
