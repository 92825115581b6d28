// Above the composer: the files of this conversation that are on their way, and those that did not arrive.
import { useSyncExternalStore } from 'react';
import type { Uploads } from './uploads.ts';
import { words } from './words.ts';

interface UploadListProps {
  readonly uploads: Uploads;
  readonly conversationId: string;
}

export function UploadList({ uploads, conversationId }: UploadListProps) {
  const all = useSyncExternalStore(uploads.subscribe, uploads.get);
  const own = all.filter((upload) => upload.conversationId === conversationId);
  if (own.length === 0) return null;
  return (
    <ul className="uploads" aria-label={words.filesUnderWay}>
      {own.map(({ id, name, part, problem, cancel, retry }) => (
        <li key={id}>
          <span className="ellipsis" dir="auto">
            {name}
          </span>
          {problem === undefined ? (
            <>
              <progress value={part} aria-label={name} />
              <small>{words.percent(part)}</small>
              <button
                type="button"
                className="icon"
                aria-label={words.cancel}
                title={words.cancel}
                onClick={cancel}
              >
                ×
              </button>
            </>
          ) : (
            <span className="problem" role="alert">
              ⚠ {problem}{' '}
              <button type="button" className="link" onClick={retry}>
                {words.retry}
              </button>{' '}
              <button type="button" className="link" onClick={cancel}>
                {words.discard}
              </button>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
