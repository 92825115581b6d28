// Beginning a conversation, with one other or with several.
import { useState, type FormEvent } from 'react';
import { useClient } from '../src/client/react/hooks.ts';
import { isId } from '../src/protocol/ids.ts';
import { namesIn } from './texts.ts';
import { words } from './words.ts';

interface NewConversationProps {
  readonly kind: 'direct' | 'group';
  readonly onOpen: (conversationId: string) => void;
  readonly onClose: () => void;
}

export function NewConversation({ kind, onOpen, onClose }: NewConversationProps) {
  const client = useClient();
  const [title, setTitle] = useState('');
  const [names, setNames] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const users = namesIn(names);
    if (users.some((name) => !isId(name))) return setProblem(words.nameRule);
    try {
      if (kind === 'direct') return onOpen(client.conversation(`user:${users[0]}`).conversationId);
      const { conversation, skipped } = await client.createGroup({ title: title.trim(), members: users });
      if (skipped.length === 0 || skipped.length < users.length) return onOpen(conversation.conversationId);
      setProblem(words.didNotWork(skipped.map(({ userId, reason }) => `${userId}: ${reason}`).join(', ')));
    } catch (error) {
      setProblem(words.didNotWork((error as Error).message));
    }
  };
  const isReady = names.trim() !== '' && (kind === 'direct' || title.trim() !== '');
  return (
    <form
      className="begin"
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        onClose();
      }}
    >
      {kind === 'group' && (
        <label>
          {words.groupName}
          <input value={title} maxLength={100} autoFocus onChange={(event) => setTitle(event.target.value)} />
        </label>
      )}
      <label>
        {kind === 'group' ? words.members : words.withWhom}
        <input
          value={names}
          autoFocus={kind === 'direct'}
          spellCheck={false}
          placeholder={kind === 'group' ? words.membersHint : words.who}
          onChange={(event) => setNames(event.target.value)}
        />
      </label>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          {words.cancel}
        </button>
        <button type="submit" className="primary" disabled={!isReady}>
          {kind === 'group' ? words.create : words.start}
        </button>
      </div>
    </form>
  );
}
