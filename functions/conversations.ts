// A user's conversations, and what is unread in them.
import { conversations } from '../src/core/conversation-list.ts';
import { unread } from '../src/core/unread.ts';
import { conversationsFrame, unreadFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  conversations: [conversationsFrame, conversations],
  unread: [unreadFrame, unread],
});
