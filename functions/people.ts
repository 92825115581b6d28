// People: how they present themselves, and what they want of the service.
import { preferences } from '../src/core/people/preferences.ts';
import { profile, profiles } from '../src/core/people/profiles.ts';
import { preferencesFrame, profileFrame, profilesFrame } from '../src/protocol/people-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  preferences: [preferencesFrame, preferences],
  profile: [profileFrame, profile],
  profiles: [profilesFrame, profiles],
});
