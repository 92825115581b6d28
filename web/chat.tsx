// The chat: the list of conversations, the one that is open, and its details on demand.
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useClient, useConversations, useTotalUnread } from '../src/client/react/hooks.ts';
import { Banner } from './banner.tsx';
import { ConversationPane } from './conversation-pane.tsx';
import { Details } from './details.tsx';
import { DeveloperDrawer } from './developer-drawer.tsx';
import { ConversationList } from './list.tsx';
import { words } from './words.ts';

interface ChatProps {
  readonly isForgetful: boolean;
  readonly onSignOut: () => void;
}

/** The message that was asked for; another object each time. */
interface Target {
  readonly conversationId: string;
  readonly seq: number;
}

const subscribeToHash = (listener: () => void) => {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
};
const openConversation = () => decodeURIComponent(location.hash.slice(1)) || undefined;

export function Chat({ isForgetful, onSignOut }: ChatProps) {
  const client = useClient();
  const opened = useSyncExternalStore(subscribeToHash, openConversation);
  const [hasDetails, setDetails] = useState(false);
  const unread = useTotalUnread();
  const search = useRef<HTMLInputElement>(null);
  const [target, setTarget] = useState<Target>();
  const open = useCallback((conversationId: string | undefined, seq?: number) => {
    setDetails(false);
    setTarget(conversationId !== undefined && seq !== undefined ? { conversationId, seq } : undefined);
    location.hash = conversationId ?? '';
  }, []);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${words.title}` : words.title;
  }, [unread]);
  useKeys({ opened, open, search, closeDetails: hasDetails ? () => setDetails(false) : undefined });
  // A link may name somebody who has nothing to do with this user.
  const isOurs = opened !== undefined && isConversationOf(opened, client.userId);
  return (
    <div className={`layout${isOurs ? ' has-open' : ''}`}>
      <aside className="side" aria-label={words.conversations}>
        <Banner isForgetful={isForgetful} />
        <ConversationList opened={opened} onOpen={open} onSignOut={onSignOut} search={search} />
      </aside>
      {isOurs ? (
        <ConversationPane
          key={opened}
          conversationId={opened}
          target={target?.conversationId === opened ? target : undefined}
          onBack={() => open(undefined)}
          onDetails={() => setDetails((shown) => !shown)}
        />
      ) : (
        <section className="pane empty">
          <p>{words.pickOne}</p>
        </section>
      )}
      {isOurs && hasDetails && (
        <Details
          key={opened}
          conversationId={opened}
          onClose={() => setDetails(false)}
          onGone={() => open(undefined)}
        />
      )}
      <DeveloperDrawer />
    </div>
  );
}

function isConversationOf(conversationId: string, userId: string): boolean {
  if (conversationId.startsWith('g:')) return true;
  const [kind, ...users] = conversationId.split(':');
  return kind === 'd' && users.length === 2 && users.includes(userId);
}

interface KeyProps {
  readonly opened: string | undefined;
  readonly open: (conversationId: string | undefined) => void;
  readonly search: React.RefObject<HTMLInputElement | null>;
  readonly closeDetails: (() => void) | undefined;
}

/** Ctrl+K finds a conversation, Alt+↑ and ↓ go to the next unread one, Esc closes the innermost thing. */
function useKeys({ opened, open, search, closeDetails }: KeyProps): void {
  const { conversations } = useConversations({ pageSize: 1_000 });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        search.current?.focus();
        search.current?.select();
      }
      if (event.altKey && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
        event.preventDefault();
        const ids = (conversations ?? [])
          .filter(({ unread, conversationId }) => unread > 0 || conversationId === opened)
          .map((one) => one.conversationId);
        const at = opened === undefined ? -1 : ids.indexOf(opened);
        const next = event.key === 'ArrowDown' ? at + 1 : at < 0 ? ids.length - 1 : at - 1;
        const target = ids[(next + ids.length) % ids.length];
        if (target) open(target);
      }
      if (event.key === 'Escape' && !event.defaultPrevented) closeDetails?.();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [conversations, opened, open, search, closeDetails]);
}
