// What was said on a day: the timeline from the first message on that there is since then.
import { useState, type FormEvent } from 'react';
import type { Conversation } from '../src/client/conversation.ts';
import { seqAt, type Messages } from '../src/client/react/hooks.ts';
import { words } from './words.ts';

interface JumpProps {
  readonly conversation: Conversation;
  readonly list: Messages;
  readonly onClose: () => void;
}

export function JumpToDate({ conversation, list, onClose }: JumpProps) {
  const [date, setDate] = useState('');
  const [problem, setProblem] = useState<string>();
  const jump = async (event: FormEvent) => {
    event.preventDefault();
    try {
      // As the calendar of this place has it.
      const seq = await seqAt(conversation, new Date(`${date}T00:00`));
      if (seq === undefined) return setProblem(words.nothingFound);
      await list.showFrom(seq);
      onClose();
    } catch (error) {
      setProblem(words.didNotWork((error as Error).message));
    }
  };
  return (
    <form
      className="line jump"
      onSubmit={(event) => void jump(event)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        onClose();
      }}
    >
      <input
        type="date"
        aria-label={words.toDate}
        value={date}
        autoFocus
        required
        onChange={(event) => {
          setDate(event.target.value);
          setProblem(undefined);
        }}
      />
      <button type="submit">{words.show}</button>
      <span className="grow problem" role="alert">
        {problem}
      </span>
    </form>
  );
}
