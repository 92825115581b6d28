// What clients send about people: one schema an action.
import * as v from 'valibot';
import { bodyFault, isObject, type Body } from './body.ts';
import { conversationIdSchema, userIdSchema } from './id-schemas.ts';
import { peopleLimits } from './client-limits.ts';
import { avatar, characters, listOf, pageSize, request } from './request.ts';

/** For a bundle to hold no frames but those that it serves: esbuild leaves out what is made like this, in this file, and not used. */
const define = /* @__NO_SIDE_EFFECTS__ */ <Schema>(make: () => Schema): Schema => make();

/** Whatever an app keeps beside a name; handed on as it came, as a message's body is. */
const customSchema = define(() =>
  v.pipe(
    v.custom<Body>(isObject, 'must be an object'),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const fault = bodyFault(dataset.value);
      if (fault) return addIssue({ message: fault });
      const sizeBytes = new TextEncoder().encode(JSON.stringify(dataset.value)).length;
      if (sizeBytes > peopleLimits.profileBytes) {
        addIssue({ message: `must have at most ${peopleLimits.profileBytes} bytes as JSON` });
      }
    }),
  ),
);

export const preferencesFrame = define(() =>
  request('preferences', {
    /** Others may see whether this user is there. */
    presence: v.optional(v.boolean()),
    /** Others may see how far this user has read, and this user how far they have. */
    receipts: v.optional(v.boolean()),
    /** Notifications say what a message says. */
    previews: v.optional(v.boolean()),
    /** Whoever mentions or answers this user is heard of, muted or not. */
    mentions: v.optional(v.boolean()),
  }),
);

export const profileFrame = define(() =>
  request('profile', {
    name: v.optional(characters(peopleLimits.profileName.min, peopleLimits.profileName.max)),
    avatar: v.optional(avatar()),
    custom: v.optional(customSchema),
  }),
);

export const profilesFrame = define(() =>
  request('profiles', { users: listOf(userIdSchema, peopleLimits.profiles) }),
);

export const contactFrame = define(() =>
  request('contact', {
    userId: userIdSchema,
    /** What the caller calls them; `""` takes it away. */
    alias: v.optional(characters(0, peopleLimits.contactAlias)),
    starred: v.optional(v.boolean()),
    remove: v.optional(v.boolean(), false),
  }),
);

export const contactsFrame = define(() =>
  request('contacts', { cursor: v.optional(userIdSchema), limit: pageSize(peopleLimits.contacts) }),
);

export const blockFrame = define(() => request('block', { userId: userIdSchema }));

export const unblockFrame = define(() => request('unblock', { userId: userIdSchema }));

export const blockedFrame = define(() =>
  request('blocked', { cursor: v.optional(userIdSchema), limit: pageSize(peopleLimits.blocked) }),
);

export const typingFrame = define(() =>
  request('typing', {
    conversationId: conversationIdSchema,
    /** No more. */
    stopped: v.optional(v.boolean()),
  }),
);

const presenceUsers = define(() => ({ users: listOf(userIdSchema, peopleLimits.presence) }));

export const presenceFrame = define(() => request('presence', presenceUsers));

export const watchPresenceFrame = define(() => request('watchPresence', presenceUsers));

export const unwatchPresenceFrame = define(() => request('unwatchPresence', presenceUsers));

export const presenceFrames = {
  presence: presenceFrame,
  watchPresence: watchPresenceFrame,
  unwatchPresence: unwatchPresenceFrame,
} as const;

export const peopleFrames = {
  preferences: preferencesFrame,
  profile: profileFrame,
  profiles: profilesFrame,
  contact: contactFrame,
  contacts: contactsFrame,
  block: blockFrame,
  unblock: unblockFrame,
  blocked: blockedFrame,
} as const;
