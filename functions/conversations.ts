// A user's conversations, and what they want of each.
import { settings } from '../src/core/conversation-settings.ts';
import { settingsFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ settings: [settingsFrame, settings] });
