// What a control message of a group comes to for an app.
import type { Message } from '../protocol/messages.ts';
import type { ClientEvents } from './client-events.ts';
import type { Emitter } from './events.ts';

export function tellGroup(events: Emitter<ClientEvents>, { conversationId, from, body }: Message): void {
  const { op, users = [] } = body as { readonly op?: string; readonly users?: readonly string[] };
  if (!op?.startsWith('group.')) return;
  const change = { conversationId, by: from };
  const coming = { added: users, removed: [] };
  const members = {
    'group.created': coming,
    'group.added': coming,
    'group.removed': { added: [], removed: users },
    'group.left': { added: [], removed: [from] },
  }[op];
  if (members) events.emit('membersChanged', { ...change, ...members });
  else events.emit('groupChanged', { ...change, change: body });
}
