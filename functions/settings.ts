// `settings`: what a user wants of a conversation.
import { settings } from '../src/core/conversation-settings.ts';
import { settingsFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ settings: [settingsFrame, settings] });
