// The open conversation: its title, and as many lines of its messages as fit; read is what was shown.
import { Box, Text, useInput } from 'ink';
import { useEffect, useMemo, useState } from 'react';
import {
  useClient,
  useConversation,
  useMessages,
  useOpen,
  useSummary,
  useTyping,
} from '../src/client/react/hooks.ts';
import { linesOf, type Line } from './lines.ts';
import { titleOf, useNames } from './names.ts';
import { oneLine } from './text.ts';

interface PaneProps {
  readonly conversationId: string;
  readonly columns: number;
  readonly rows: number;
}

export function ConversationPane({ conversationId, columns, rows }: PaneProps) {
  const client = useClient();
  const conversation = useConversation(conversationId);
  const summary = useSummary(conversationId);
  const { messages, isLoading, hasOlder, error, loadOlder } = useMessages(conversationId);
  const typing = useTyping(conversationId);
  const nameOf = useNames();
  useOpen(conversationId);

  const { peerReadSeq, peer, memberCount, unread } = summary;
  const isDirect = peer !== undefined;
  const lines = useMemo(
    () => linesOf(messages, { columns, userId: client.userId, nameOf, peerReadSeq, isDirect }),
    [messages, columns, client, nameOf, peerReadSeq, isDirect],
  );
  const height = Math.max(1, rows - 1);
  const { shown, isAtEnd } = useScrolling(lines, height, () => {
    if (hasOlder) void loadOlder();
  });

  const lastSeq = (isAtEnd ? messages : shown).reduce((last, { seq = 0 }) => Math.max(last, seq), 0);
  useEffect(() => {
    if (unread > 0 && lastSeq > 0) conversation.markRead(lastSeq).catch(() => {});
  }, [conversation, lastSeq, unread]);

  const title = [
    titleOf(summary, nameOf),
    ...(memberCount === undefined ? [] : [memberCount === 1 ? '1 member' : `${memberCount} members`]),
    ...(typing.length > 0 ? [`${typing.map(nameOf).join(', ')} typing…`] : []),
    ...(isAtEnd ? [] : ['↓ PgDn']),
  ].join(' · ');
  return (
    <Box flexDirection="column" width={columns}>
      <Text bold wrap="truncate">
        {title}
      </Text>
      {shown.map((line) => (
        <ShownLine key={line.key} line={line} />
      ))}
      {lines.length === 0 && (
        <Text dimColor wrap="truncate">
          {error
            ? oneLine(error.message)
            : isLoading
              ? 'loading …'
              : 'Nothing here yet: write the first message'}
        </Text>
      )}
    </Box>
  );
}

function ShownLine({ line: { text, look } }: { readonly line: Line }) {
  // An empty text would have no height.
  const filled = text === '' ? ' ' : text;
  if (look === 'trouble')
    return (
      <Text color="red" wrap="truncate">
        {filled}
      </Text>
    );
  if (look === 'aside')
    return (
      <Text dimColor wrap="truncate">
        {filled}
      </Text>
    );
  return look === 'own' ? (
    <Text color="cyan" wrap="truncate">
      {filled}
    </Text>
  ) : (
    <Text wrap="truncate">{filled}</Text>
  );
}

/** PgUp and PgDn. What is looked at stays where it is, whatever comes before or after it; at the end it follows. */
function useScrolling(lines: readonly Line[], height: number, atTop: () => void) {
  /** The last line that is shown; none: the end. */
  const [anchor, setAnchor] = useState<string>();
  const last = lines.length - 1;
  const found = anchor === undefined ? -1 : lines.findIndex(({ key }) => key === anchor);
  const bottom = found < 0 ? last : Math.max(found, Math.min(height - 1, last));
  useInput((_, key) => {
    if (!key.pageUp && !key.pageDown) return;
    const step = Math.max(1, height - 1);
    const wanted = bottom + (key.pageUp ? -step : step);
    if (key.pageUp && wanted < height) atTop();
    const next = Math.max(Math.min(height - 1, last), wanted);
    setAnchor(next >= last ? undefined : lines[next]?.key);
  });
  return { shown: lines.slice(Math.max(0, bottom - height + 1), bottom + 1), isAtEnd: bottom === last };
}
