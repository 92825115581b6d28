// The screen: the list on the left, the open conversation on the right, below them the status and what is being written.
// Where it is narrow, one of the two.
import { Box, Text, useCursor, useInput, usePaste, useWindowSize } from 'ink';
import { useSyncExternalStore } from 'react';
import { useConnection, useTotalUnread } from '../src/client/react/hooks.ts';
import type { Chat, ChatState } from './chat.ts';
import { help } from './commands.ts';
import { ConversationList } from './conversation-list.tsx';
import { ConversationPane } from './conversation-pane.tsx';
import { view } from './editor.ts';
import { FoundPane } from './found-pane.tsx';
import { press, write } from './keys.ts';
import { describeConnection } from './status.ts';
import { fit, wrap } from './text.ts';

const ONE_PANE_BELOW = 60;

export function App({ chat, onQuit }: { readonly chat: Chat; readonly onQuit: () => void }) {
  const { columns, rows } = useWindowSize();
  const state = useSyncExternalStore(chat.subscribe, chat.get, chat.get);
  const { state: connection } = useConnection();
  useInput((input, key) => {
    if (key.ctrl && input === 'c') onQuit();
    else if (connection !== 'kicked') press(chat, input, key);
    else if (input === 'r') chat.useHere();
  });
  usePaste((text) => write(chat, text));

  const isNarrow = columns < ONE_PANE_BELOW;
  const listColumns = isNarrow ? columns : Math.min(30, Math.floor(columns * 0.27));
  const paneColumns = isNarrow ? columns : columns - listColumns - 3;
  const bodyRows = Math.max(2, rows - 2);
  const isPaneShown = state.open !== undefined || state.overlay !== undefined;
  return (
    <Box flexDirection="column" width={columns} height={rows}>
      <Box height={bodyRows} width={columns} overflow="hidden">
        {(!isNarrow || !isPaneShown) && (
          <ConversationList open={state.open} columns={listColumns} rows={bodyRows} />
        )}
        {!isNarrow && (
          <Box width={3} flexDirection="column">
            <Text dimColor>{Array.from({ length: bodyRows }, () => ' │ ').join('\n')}</Text>
          </Box>
        )}
        {(!isNarrow || isPaneShown) && <Pane state={state} columns={paneColumns} rows={bodyRows} />}
      </Box>
      <Status chat={chat} state={state} columns={columns} />
      <Input state={state} columns={columns} row={rows - 1} />
    </Box>
  );
}

interface PartProps {
  readonly state: ChatState;
  readonly columns: number;
}

function Pane({ state: { open, overlay }, columns, rows }: PartProps & { readonly rows: number }) {
  if (overlay?.kind === 'found') return <FoundPane found={overlay} columns={columns} rows={rows} />;
  if (open !== undefined && !overlay)
    return <ConversationPane key={open} conversationId={open} columns={columns} rows={rows} />;
  const words = overlay ? help : ['Tab opens a conversation, /to bob begins one,', '/help says more.'];
  return (
    <Text wrap="truncate">
      {words
        .flatMap((line) => wrap(line, columns))
        .slice(0, rows)
        .join('\n')}
    </Text>
  );
}

function Status({ chat, state: { notice }, columns }: PartProps & { readonly chat: Chat }) {
  const connection = useConnection();
  const unread = useTotalUnread();
  const words = describeConnection(connection);
  const who = `${chat.client.userId} · ${words}${unread > 0 ? ` · ${unread} unread` : ''}`;
  const line = fit(
    notice && connection.state !== 'kicked' ? `${notice.text} · ${who}` : `${who} · /help`,
    columns,
  );
  const isTrouble = notice?.isTrouble || connection.state === 'kicked';
  return (
    <Text inverse wrap="truncate" {...(isTrouble && { color: 'yellow' })}>
      {line}
    </Text>
  );
}

function Input({ state: { editor, editing }, columns, row }: PartProps & { readonly row: number }) {
  const prompt = editing === undefined ? '> ' : 'edit> ';
  const { shown, column } = view(editor, Math.max(1, columns - prompt.length - 1));
  const { setCursorPosition } = useCursor();
  setCursorPosition({ x: prompt.length + column, y: row });
  return <Text wrap="truncate">{prompt + shown}</Text>;
}
