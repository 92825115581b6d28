// What a message of the server says to those who read a conversation: who came into a group, and who went.
import type { Message } from '../src/protocol/messages.ts';
import { oneLine } from './text.ts';

/** `undefined`: nothing to show; what was changed shows it itself. */
export function describeControl(
  { from, body }: Pick<Message, 'from' | 'body'>,
  name: (userId: string) => string,
): string | undefined {
  const users = (Array.isArray(body['users']) ? body['users'] : []).filter((one) => typeof one === 'string');
  const names = users.map(name).join(', ');
  const userId = typeof body['userId'] === 'string' ? name(body['userId']) : 'somebody';
  const by = name(from);
  switch (body['op']) {
    case 'group.created':
      return `${by} made the group${typeof body['title'] === 'string' ? ` “${oneLine(body['title'])}”` : ''}`;
    case 'group.added':
      return `${by} added ${names}`;
    case 'group.removed':
      return `${by} removed ${names}`;
    case 'group.left':
      return `${by} left`;
    case 'group.dismissed':
      return `${by} dismissed the group`;
    case 'group.updated':
      return `${by} changed the group`;
    case 'group.role':
      return `${userId} is now ${typeof body['role'] === 'string' ? oneLine(body['role']) : 'something else'}`;
    case 'group.muted':
      return body['until'] === 0 ? `${userId} may write again` : `${userId} was muted`;
    default:
      return undefined;
  }
}
