// A user's conversations, and what is unread in them.
import { conversations, unread } from '../src/core/conversation-list.ts';
import { conversationsFrame, unreadFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  conversations: [conversationsFrame, conversations],
  unread: [unreadFrame, unread],
});
