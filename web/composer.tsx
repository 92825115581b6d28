// Where messages are written: kept as a draft, never waiting for anything.
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { Message } from '../src/protocol/messages.ts';
import { useConversation, useDraft } from '../src/client/react/hooks.ts';
import { textOf } from './texts.ts';
import { words } from './words.ts';

export type Writing =
  | { readonly kind: 'new' }
  | { readonly kind: 'reply'; readonly message: Message }
  | { readonly kind: 'edit'; readonly message: Message };

interface ComposerProps {
  readonly conversationId: string;
  readonly writing: Writing;
  readonly nameOf: (userId: string) => string;
  /** It is sent, or given up. */
  readonly onDone: () => void;
  readonly onEditLast: () => void;
  readonly onFiles: (files: readonly File[]) => void;
  readonly attempt: (work: () => Promise<unknown>) => Promise<void>;
}

export function Composer(props: ComposerProps) {
  const { conversationId, writing, nameOf, onDone, onEditLast, onFiles, attempt } = props;
  const conversation = useConversation(conversationId);
  const [draft, setDraft] = useDraft(conversationId);
  const [edited, setEdited] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const isEditing = writing.kind === 'edit';
  const text = isEditing ? edited : draft;
  useEffect(() => {
    if (writing.kind === 'edit') setEdited(textOf(writing.message));
    field.current?.focus();
  }, [writing]);
  // As high as what is in it, up to a limit of the style sheet.
  useEffect(() => {
    const { current } = field;
    if (!current) return;
    current.style.height = 'auto';
    current.style.height = `${current.scrollHeight}px`;
  }, [text]);

  const submit = () => {
    const said = text.trim();
    if (said === '') return;
    if (writing.kind === 'edit') {
      const { seq } = writing.message;
      if (said !== textOf(writing.message)) void attempt(() => conversation.edit(seq, said));
      return onDone();
    }
    void attempt(async () => {
      const mentions = [...said.matchAll(/(?:^|\s)@([A-Za-z0-9_.-]{1,64})/g)].map(([, name]) => name!);
      const isForAll = mentions.includes('all');
      conversation.send(said, {
        ...(writing.kind === 'reply' && { replyTo: writing.message.seq }),
        ...(mentions.length > 0 && { mentions: isForAll ? 'all' : [...new Set(mentions)].slice(0, 50) }),
      });
      setDraft('');
      conversation.typing(true);
      onDone();
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // An input method that is composing has its own use for Enter.
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
    if (event.key === 'Escape' && writing.kind !== 'new') {
      event.preventDefault();
      onDone();
    }
    if (event.key === 'ArrowUp' && text === '' && writing.kind === 'new') {
      event.preventDefault();
      onEditLast();
    }
  };
  return (
    <footer className="composer">
      {writing.kind !== 'new' && (
        <div className="writing">
          <span className="grow ellipsis">
            <strong>
              {writing.kind === 'edit' ? words.editing : words.replyingTo(nameOf(writing.message.from))}
            </strong>{' '}
            <span className="quiet">{textOf(writing.message)}</span>
          </span>
          <button type="button" className="icon" aria-label={words.cancel} onClick={onDone}>
            ×
          </button>
        </div>
      )}
      <div className="compose">
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          onChange={({ target }) => {
            onFiles([...(target.files ?? [])]);
            // The same one may be chosen again.
            target.value = '';
          }}
        />
        <button
          type="button"
          className="icon"
          aria-label={words.attach}
          title={words.attach}
          onClick={() => chooser.current?.click()}
        >
          📎
        </button>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          value={text}
          placeholder={words.write}
          aria-label={words.write}
          onChange={(event) => {
            const { value } = event.target;
            if (isEditing) return setEdited(value);
            setDraft(value);
            conversation.typing(value === '');
          }}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            const { files, types } = event.clipboardData;
            // Of a table both a picture and its text are copied.
            if (files.length === 0 || types.includes('text/plain')) return;
            event.preventDefault();
            onFiles([...files]);
          }}
        />
        <button
          type="button"
          className="primary round"
          aria-label={isEditing ? words.save : words.send}
          title={isEditing ? words.save : words.send}
          disabled={text.trim() === ''}
          onClick={submit}
        >
          {isEditing ? '✓' : '➤'}
        </button>
      </div>
    </footer>
  );
}
