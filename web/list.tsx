// The list of conversations: found by name, begun by name.
import { useMemo, useState, type RefObject } from 'react';
import { useClient, useConversations, useNames } from '../src/client/react/hooks.ts';
import type { ConversationSummary } from '../src/client/summaries.ts';
import { Avatar } from './avatar.tsx';
import { FoundMessages } from './found-messages.tsx';
import { NewConversation } from './new-conversation.tsx';
import { askForNotifications, canNotify, useNotifications, wantsNotifications } from './notifications.ts';
import { isMentioned, lineOf, titleOf } from './texts.ts';
import { momentOf } from './times.ts';
import { words } from './words.ts';

interface ListProps {
  readonly opened: string | undefined;
  readonly onOpen: (conversationId: string, seq?: number) => void;
  readonly onSignOut: () => void;
  readonly search: RefObject<HTMLInputElement | null>;
}

export function ConversationList({ opened, onOpen, onSignOut, search }: ListProps) {
  const client = useClient();
  const nameOf = useNames();
  const { conversations, hasMore, showMore } = useConversations();
  const [wanted, setWanted] = useState('');
  const [beginning, setBeginning] = useState<'direct' | 'group'>();
  const [isTelling, setTelling] = useState(wantsNotifications);
  const [isBlocked, setBlocked] = useState(false);
  useNotifications(isTelling, opened, onOpen);
  const ask = async () => {
    const isOn = await askForNotifications(!isTelling);
    setTelling(isOn);
    setBlocked(!isTelling && !isOn);
  };
  const shown = useMemo(() => {
    const text = wanted.trim().toLowerCase();
    const name = (one: ConversationSummary) => titleOf(one, nameOf).toLowerCase();
    return text === '' ? conversations : conversations?.filter((one) => name(one).includes(text));
  }, [conversations, wanted, nameOf]);
  return (
    <>
      <header className="side-head">
        <Avatar id={client.userId} name={nameOf(client.userId)} size={32} />
        <strong className="grow ellipsis" dir="auto">
          {nameOf(client.userId)}
        </strong>
        {canNotify && (
          <button
            type="button"
            className="icon"
            title={words.notifications}
            aria-label={words.notifications}
            aria-pressed={isTelling}
            onClick={() => void ask()}
          >
            {isTelling ? '🔔' : '🔕'}
          </button>
        )}
        <button
          type="button"
          className="icon"
          title={words.newChat}
          aria-label={words.newChat}
          onClick={() => setBeginning('direct')}
        >
          ✎
        </button>
        <button
          type="button"
          className="icon"
          title={words.newGroup}
          aria-label={words.newGroup}
          onClick={() => setBeginning('group')}
        >
          ⊕
        </button>
        <button
          type="button"
          className="icon"
          title={words.signOut}
          aria-label={words.signOut}
          onClick={onSignOut}
        >
          ⏻
        </button>
      </header>
      {isBlocked && (
        <p className="problem bar" role="alert">
          {words.notificationsBlocked}
        </p>
      )}
      <div className="side-search">
        <input
          ref={search}
          type="search"
          value={wanted}
          placeholder={words.search}
          aria-label={words.search}
          onChange={(event) => setWanted(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && shown?.[0]) onOpen(shown[0].conversationId);
            if (event.key !== 'Escape' || wanted === '') return;
            event.preventDefault();
            setWanted('');
          }}
        />
      </div>
      {beginning && (
        <NewConversation
          kind={beginning}
          onClose={() => setBeginning(undefined)}
          onOpen={(conversationId) => {
            setBeginning(undefined);
            onOpen(conversationId);
          }}
        />
      )}
      <nav className="rows" aria-label={words.conversations}>
        {shown?.map((one) => (
          <Row
            key={one.conversationId}
            summary={one}
            isOpen={one.conversationId === opened}
            onOpen={onOpen}
            nameOf={nameOf}
            userId={client.userId}
          />
        ))}
        {conversations?.length === 0 && (
          <div className="hint padded">
            <p>
              <strong>{words.nobodyYet}</strong>
            </p>
            <p>{words.nobodyHint}</p>
          </div>
        )}
        {wanted.trim() !== '' && <FoundMessages wanted={wanted.trim()} onOpen={onOpen} />}
        {hasMore && wanted === '' && (
          <button type="button" className="more" onClick={showMore}>
            {words.more}
          </button>
        )}
      </nav>
    </>
  );
}

interface RowProps {
  readonly summary: ConversationSummary;
  readonly isOpen: boolean;
  readonly onOpen: (conversationId: string) => void;
  readonly nameOf: (userId: string) => string;
  readonly userId: string;
}

function Row({ summary, isOpen, onOpen, nameOf, userId }: RowProps) {
  const { conversationId, kind, peer, lastMessage, unread, muted, pinned, draft } = summary;
  const title = titleOf(summary, nameOf);
  const isCalled = unread > 0 && lastMessage !== null && isMentioned(lastMessage, userId);
  return (
    <button
      type="button"
      className={`row${isOpen ? ' is-open' : ''}${unread > 0 ? ' is-unread' : ''}`}
      aria-current={isOpen ? 'true' : undefined}
      onClick={() => onOpen(conversationId)}
    >
      <Avatar id={kind === 'direct' ? (peer ?? conversationId) : conversationId} name={title} />
      <span className="lines">
        <span className="line">
          <strong className="grow ellipsis" dir="auto">
            {title}
          </strong>
          {lastMessage && <time>{momentOf(lastMessage.serverTime, Date.now())}</time>}
        </span>
        <span className="line">
          <span className="grow ellipsis quiet" dir="auto">
            {draft !== '' && !isOpen ? (
              <>
                <em className="draft">{words.draft}:</em> {draft}
              </>
            ) : (
              lastMessage && lineOf(lastMessage, { userId, isGroup: kind === 'group', nameOf })
            )}
          </span>
          {pinned && <Sign sign="📌" said={words.pinned} />}
          {muted && <Sign sign="🔕" said={words.muted} />}
          {isCalled && <span className="badge">@</span>}
          {unread > 0 && (
            <span className={`badge${muted ? ' is-muted' : ''}`}>
              <Sign sign={unread > 999 ? '999+' : String(unread)} said={words.unread(unread)} />
            </span>
          )}
        </span>
      </span>
    </button>
  );
}

/** Seen as a sign, and read as words. */
function Sign({ sign, said }: { sign: string; said: string }) {
  return (
    <>
      <span aria-hidden="true">{sign}</span>
      <span className="unseen">{said}</span>
    </>
  );
}
