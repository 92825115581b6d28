// Who is online: asked once, or told from then on.
import { presence } from '../src/core/people/presence.ts';
import { unwatchPresence, watchPresence } from '../src/core/people/watches.ts';
import { presenceFrame, unwatchPresenceFrame, watchPresenceFrame } from '../src/protocol/people-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  presence: [presenceFrame, presence],
  watchPresence: [watchPresenceFrame, watchPresence],
  unwatchPresence: [unwatchPresenceFrame, unwatchPresence],
});
