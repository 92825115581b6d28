// People: how they present themselves.
import { profile, profiles } from '../src/core/people/profiles.ts';
import { profileFrame, profilesFrame } from '../src/protocol/people-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  profile: [profileFrame, profile],
  profiles: [profilesFrame, profiles],
});
