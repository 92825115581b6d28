// People: how they present themselves, what they want of the service, and whom they keep.
import { contact, contacts } from '../src/core/people/contacts.ts';
import { preferences } from '../src/core/people/preferences.ts';
import { profile, profiles } from '../src/core/people/profiles.ts';
import {
  contactFrame,
  contactsFrame,
  preferencesFrame,
  profileFrame,
  profilesFrame,
} from '../src/protocol/people-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  preferences: [preferencesFrame, preferences],
  profile: [profileFrame, profile],
  profiles: [profilesFrame, profiles],
  contact: [contactFrame, contact],
  contacts: [contactsFrame, contacts],
});
