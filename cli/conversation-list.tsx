// The list of conversations: who, what is unread, who types.
import { Box, Text } from 'ink';
import { useConversations, useTyping } from '../src/client/react/hooks.ts';
import type { ConversationSummary } from '../src/client/summaries.ts';
import { titleOf, useNames, type NameOf } from './names.ts';
import { fit, widthOf } from './text.ts';

interface Size {
  readonly columns: number;
  readonly rows: number;
}

export function ConversationList({ open, columns, rows }: Size & { readonly open: string | undefined }) {
  const { conversations } = useConversations({ pageSize: 500 });
  const nameOf = useNames();
  if (!conversations) return <Text dimColor>loading …</Text>;
  if (conversations.length === 0) return <Text dimColor>{fit('no conversations', columns)}</Text>;
  // The open one stays in sight.
  const at = conversations.findIndex(({ conversationId }) => conversationId === open);
  const from = Math.max(0, Math.min(at - Math.floor(rows / 2), conversations.length - rows));
  return (
    <Box flexDirection="column" width={columns}>
      {conversations.slice(from, from + rows).map((summary) => (
        <Row
          key={summary.conversationId}
          summary={summary}
          nameOf={nameOf}
          isOpen={summary.conversationId === open}
          columns={columns}
        />
      ))}
    </Box>
  );
}

interface RowProps {
  readonly summary: ConversationSummary;
  readonly nameOf: NameOf;
  readonly isOpen: boolean;
  readonly columns: number;
}

function Row({ summary, nameOf, isOpen, columns }: RowProps) {
  const { conversationId, unread, pinned, muted, lastMessage } = summary;
  const typing = useTyping(conversationId);
  const count = unread > 0 ? ` ${unread > 999 ? '999+' : unread}` : '';
  const tail = typing.length > 0 ? ` typing…${count}` : count;
  const kind = summary.peer === undefined ? '#' : '';
  const name = `${pinned ? '^' : ''}${kind}${titleOf(summary, nameOf)}`;
  const isLoud = unread > 0 && !muted;
  return (
    <Text wrap="truncate" inverse={isOpen} bold={isLoud} dimColor={!isLoud && lastMessage === null}>
      {fit(name, Math.max(0, columns - widthOf(tail))) + tail}
    </Text>
  );
}
