// People: how they present themselves, what they want of the service, whom they keep, and whom they block.
import { block, blocked, unblock } from '../src/core/people/blocks.ts';
import { contact, contacts } from '../src/core/people/contacts.ts';
import { preferences } from '../src/core/people/preferences.ts';
import { profile, profiles } from '../src/core/people/profiles.ts';
import {
  blockedFrame,
  blockFrame,
  contactFrame,
  contactsFrame,
  preferencesFrame,
  profileFrame,
  profilesFrame,
  unblockFrame,
} from '../src/protocol/people-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  preferences: [preferencesFrame, preferences],
  profile: [profileFrame, profile],
  profiles: [profilesFrame, profiles],
  contact: [contactFrame, contact],
  contacts: [contactsFrame, contacts],
  block: [blockFrame, block],
  unblock: [unblockFrame, unblock],
  blocked: [blockedFrame, blocked],
});
