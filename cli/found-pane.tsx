// What a search found, newest first.
import { Text } from 'ink';
import { useClient } from '../src/client/react/hooks.ts';
import type { Found } from './find.ts';
import { lineOfHit } from './lines.ts';
import { titleOf, useNames } from './names.ts';
import { fit, oneLine } from './text.ts';

interface FoundPaneProps {
  readonly found: Found;
  readonly columns: number;
  readonly rows: number;
}

export function FoundPane({ found: { query, hits, hasMore }, columns, rows }: FoundPaneProps) {
  const client = useClient();
  const nameOf = useNames();
  const count = hits.length === 0 ? 'Nothing' : `${hits.length}${hasMore ? ' or more' : ''}`;
  const lines = hits.map((hit) => {
    const { summary } = client.conversation(hit.conversationId);
    const where = summary.peer === undefined ? `#${titleOf(summary, nameOf)} ` : '';
    return lineOfHit(hit, where, { columns, userId: client.userId, nameOf });
  });
  const title = fit(`${count} found: ${oneLine(query)} (Esc closes)`, columns).trimEnd();
  return <Text wrap="truncate">{[title, ...lines].slice(0, rows).join('\n')}</Text>;
}
