// What the client reads of the server's frames about people.
import { isObject } from '../../protocol/body.ts';
import type { Preferences, Presence } from '../../protocol/server-frames.ts';
import { contact } from '../frames.ts';
import {
  boolean,
  either,
  integerFrom,
  list,
  number,
  object,
  optional,
  sparse,
  string,
  where,
} from '../reader.ts';

const profile = object({
  userId: string,
  name: string,
  avatar: string,
  custom: where(isObject),
  version: integerFrom(0),
});
const presence = object({
  users: list(
    sparse<Presence>({
      userId: string,
      online: boolean,
      platforms: list(string),
      lastSeen: optional(number),
    }),
  ),
});
const nothing = object({});
const next = optional(string);

export const peopleAnswers = {
  typing: nothing,
  profile,
  profiles: object({ users: list(profile) }),
  contact: either(contact, nothing),
  contacts: object({ contacts: list(contact), next }),
  preferences: sparse<Preferences>({
    presence: boolean,
    receipts: boolean,
    previews: boolean,
    mentions: optional(boolean),
  }),
  presence,
  watchPresence: presence,
  unwatchPresence: nothing,
  block: nothing,
  unblock: nothing,
  blocked: object({ users: list(string), next }),
} as const;
