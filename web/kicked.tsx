// Another device of this platform took the place of this one.
import { useState } from 'react';
import { useClient, type ConnectionStatus } from '../src/client/react/hooks.ts';
import { timeOf } from './times.ts';
import { words } from './words.ts';

export function Kicked({ kicked }: { kicked: NonNullable<ConnectionStatus['kicked']> }) {
  const client = useClient();
  const [since] = useState(() => Date.now());
  return (
    <main className="alone" role="alert">
      <h1>{kicked.by ? words.kickedTitle : words.endedTitle}</h1>
      {kicked.by && <p>{words.kickedBy(`${kicked.by.platform} · ${kicked.by.deviceId}`, timeOf(since))}</p>}
      <button type="button" className="primary" autoFocus onClick={() => void client.start().catch(() => {})}>
        {words.useHere}
      </button>
    </main>
  );
}
