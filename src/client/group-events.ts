// What a control message of a group comes to for an app.
import type { Message } from '../protocol/messages.ts';
import type { ClientEvents } from './client-events.ts';
import type { Emitter } from './events.ts';

const prefix = 'group.';

export function tellGroup(events: Emitter<ClientEvents>, { conversationId, from, body }: Message): void {
  const { op, users = [] } = body as { readonly op?: string; readonly users?: readonly string[] };
  if (!op?.startsWith(prefix)) return;
  const change = { conversationId, by: from };
  switch (op.slice(prefix.length)) {
    case 'created':
    case 'added':
      return events.emit('membersChanged', { ...change, added: users, removed: [] });
    case 'removed':
      return events.emit('membersChanged', { ...change, added: [], removed: users });
    case 'left':
      return events.emit('membersChanged', { ...change, added: [], removed: [from] });
    default:
      return events.emit('groupChanged', { ...change, change: body });
  }
}
