// What there is beside the messages: settings, and of a group its members.
import { useCallback, useEffect, useState, type FormEvent } from 'react';
import { useClient, useConversation, useNames, useSummary } from '../src/client/react/hooks.ts';
import type { AnswerTo } from '../src/client/frames.ts';
import { Avatar } from './avatar.tsx';
import { namesIn, titleOf } from './texts.ts';
import { words } from './words.ts';

interface DetailsProps {
  readonly conversationId: string;
  readonly onClose: () => void;
  readonly onGone: () => void;
}

export function Details({ conversationId, onClose, onGone }: DetailsProps) {
  const client = useClient();
  const nameOf = useNames();
  const conversation = useConversation(conversationId);
  const summary = useSummary(conversationId);
  const [problem, setProblem] = useState<string>();
  const attempt = useCallback(async (work: () => Promise<unknown>) => {
    try {
      setProblem(undefined);
      await work();
      return true;
    } catch (error) {
      setProblem(words.didNotWork((error as Error).message));
      return false;
    }
  }, []);
  const title = titleOf(summary, nameOf);
  return (
    <aside className="details" aria-label={words.details}>
      <header className="pane-head">
        <strong className="grow">{words.details}</strong>
        <button type="button" className="icon" aria-label={words.close} onClick={onClose}>
          ×
        </button>
      </header>
      <div className="padded scroll">
        <div className="who">
          <Avatar id={summary.peer ?? conversationId} name={title} />
          <strong dir="auto">{title}</strong>
        </div>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <div className="buttons">
          <button
            type="button"
            aria-pressed={summary.pinned}
            onClick={() => void attempt(() => conversation.pin(!summary.pinned))}
          >
            {summary.pinned ? words.unpin : words.pin}
          </button>
          <button
            type="button"
            aria-pressed={summary.muted}
            onClick={() => void attempt(() => conversation.mute(!summary.muted))}
          >
            {summary.muted ? words.unmute : words.mute}
          </button>
          {summary.peer !== undefined && summary.peer !== client.userId && (
            <Block userId={summary.peer} attempt={attempt} />
          )}
          <button type="button" onClick={() => void attempt(() => conversation.clear())}>
            {words.clear}
          </button>
        </div>
        {summary.kind === 'group' && (
          <Members conversationId={conversationId} attempt={attempt} onGone={onGone} />
        )}
      </div>
    </aside>
  );
}

interface BlockProps {
  readonly userId: string;
  readonly attempt: (work: () => Promise<unknown>) => Promise<boolean>;
}

function Block({ userId, attempt }: BlockProps) {
  const client = useClient();
  const [isBlocked, setBlocked] = useState<boolean>();
  useEffect(() => {
    // Who cannot be asked now is asked when the details are opened again.
    client.blocked().then(
      (users) => setBlocked(users.includes(userId)),
      () => {},
    );
  }, [client, userId]);
  if (isBlocked === undefined) return null;
  const change = async () => {
    const done = await attempt(() => (isBlocked ? client.unblock(userId) : client.block(userId)));
    if (done) setBlocked(!isBlocked);
  };
  return (
    <button type="button" className="danger" aria-pressed={isBlocked} onClick={() => void change()}>
      {isBlocked ? words.unblock : words.block}
    </button>
  );
}

type Member = AnswerTo<'members'>['members'][number];

interface MembersProps {
  readonly conversationId: string;
  readonly attempt: (work: () => Promise<unknown>) => Promise<boolean>;
  readonly onGone: () => void;
}

function Members({ conversationId, attempt, onGone }: MembersProps) {
  const { userId } = useClient();
  const nameOf = useNames();
  const conversation = useConversation(conversationId);
  const [members, setMembers] = useState<readonly Member[]>([]);
  const [next, setNext] = useState<string>();
  const [names, setNames] = useState('');
  const load = useCallback(
    (cursor?: string) =>
      attempt(async () => {
        const page = await conversation.members(cursor === undefined ? {} : { cursor });
        setMembers((before) => (cursor === undefined ? page.members : [...before, ...page.members]));
        setNext(page.next);
      }),
    [conversation, attempt],
  );
  useEffect(() => {
    void load();
    const ends = [
      conversation.on('membersChanged', () => void load()),
      conversation.on('groupChanged', () => void load()),
    ];
    return () => ends.forEach((end) => end());
  }, [conversation, load]);
  const own = members.find((member) => member.userId === userId)?.role;
  const governs = own === 'owner' || own === 'admin';
  const add = (event: FormEvent) => {
    event.preventDefault();
    const users = namesIn(names);
    void attempt(async () => {
      const { skipped } = await conversation.add(users);
      setNames('');
      if (skipped.length > 0)
        throw new Error(skipped.map((one) => `${one.userId}: ${one.reason}`).join(', '));
    });
  };
  return (
    <>
      <h2>{words.members}</h2>
      <form className="line" onSubmit={add}>
        <input
          className="grow"
          value={names}
          aria-label={words.addMembers}
          placeholder={words.membersHint}
          onChange={(event) => setNames(event.target.value)}
        />
        <button type="submit" disabled={names.trim() === ''}>
          {words.addMembers}
        </button>
      </form>
      <ul className="members">
        {members.map((member) => (
          <li key={member.userId} className="line">
            <Avatar id={member.userId} name={nameOf(member.userId)} size={32} />
            <span className="grow ellipsis" dir="auto">
              {nameOf(member.userId)}
            </span>
            <span className="quiet">{words.roles[member.role]}</span>
            {own === 'owner' && member.role !== 'owner' && (
              <button
                type="button"
                className="link"
                onClick={() =>
                  void attempt(() =>
                    conversation.setRole(member.userId, member.role === 'admin' ? 'member' : 'admin'),
                  )
                }
              >
                {member.role === 'admin' ? words.makeMember : words.makeAdmin}
              </button>
            )}
            {governs && member.userId !== userId && member.role !== 'owner' && (
              <button
                type="button"
                className="link"
                onClick={() => void attempt(() => conversation.remove([member.userId]))}
              >
                {words.remove}
              </button>
            )}
          </li>
        ))}
      </ul>
      {next !== undefined && (
        <button type="button" className="more" onClick={() => void load(next)}>
          {words.more}
        </button>
      )}
      <div className="buttons">
        {own === 'owner' ? (
          <button
            type="button"
            className="danger"
            onClick={() => void attempt(() => conversation.dismiss()).then((done) => done && onGone())}
          >
            {words.dismiss}
          </button>
        ) : (
          <button
            type="button"
            className="danger"
            onClick={() => void attempt(() => conversation.leave()).then((done) => done && onGone())}
          >
            {words.leave}
          </button>
        )}
      </div>
    </>
  );
}
