// Messages that say what is looked for, over all conversations, as far as one has looked.
import { useEffect, useState } from 'react';
import type { Message } from '../src/protocol/messages.ts';
import { useClient, useNames } from '../src/client/react/hooks.ts';
import { lineOf } from './texts.ts';
import { momentOf } from './times.ts';
import { words } from './words.ts';

interface FoundProps {
  readonly wanted: string;
  readonly onOpen: (conversationId: string, seq: number) => void;
}

type Page = Awaited<ReturnType<ReturnType<typeof useClient>['search']>>;

export function FoundMessages({ wanted, onOpen }: FoundProps) {
  const client = useClient();
  const nameOf = useNames();
  const [hits, setHits] = useState<readonly Message[]>();
  const [next, setNext] = useState<Page['next']>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    setHits(undefined);
    setNext(undefined);
  }, [wanted]);
  const look = async (options?: Page['next']) => {
    try {
      setProblem(undefined);
      const page = await client.search(wanted, options);
      setHits((before) => [...(options ? (before ?? []) : []), ...page.hits]);
      setNext(page.next);
    } catch (error) {
      setProblem(words.didNotWork((error as Error).message));
    }
  };
  return (
    <section aria-label={words.searchMessages(wanted)}>
      {!hits && (
        <button type="button" className="more" onClick={() => void look()}>
          {words.searchMessages(wanted)}
        </button>
      )}
      {problem && (
        <p className="problem padded" role="alert">
          {problem}
        </p>
      )}
      {hits?.length === 0 && next === undefined && <p className="hint padded">{words.nothingFound}</p>}
      {hits?.map((message) => {
        const { conversationId, seq, from, serverTime } = message;
        const isGroup = conversationId.startsWith('g:');
        return (
          <button
            key={`${conversationId} ${seq}`}
            type="button"
            className="row"
            onClick={() => onOpen(conversationId, seq)}
          >
            <span className="lines">
              <span className="line">
                <strong className="grow ellipsis" dir="auto">
                  {nameOf(from)}
                </strong>
                <time>{momentOf(serverTime, Date.now())}</time>
              </span>
              <span className="ellipsis quiet" dir="auto">
                {lineOf(message, { userId: client.userId, isGroup, nameOf })}
              </span>
            </span>
          </button>
        );
      })}
      {hits && next !== undefined && (
        <button type="button" className="more" onClick={() => void look(next)}>
          {words.more}
        </button>
      )}
    </section>
  );
}
