// For developers, behind Ctrl+`: what the client does, as it does it.
import { useEffect, useState } from 'react';
import type { ClientEvents } from '../src/client/client-events.ts';
import { useClient, useConnection } from '../src/client/react/hooks.ts';

const NAMES = [
  'connecting',
  'connected',
  'syncing',
  'synced',
  'disconnected',
  'message',
  'messageChanged',
  'sendState',
  'readChanged',
  'unreadChanged',
  'typing',
  'reset',
  'error',
] as const satisfies readonly (keyof ClientEvents)[];
const MAX_LINES = 100;

export function DeveloperDrawer() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey && event.key === '`') setOpen((open) => !open);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  return isOpen ? <Drawer /> : null;
}

function Drawer() {
  const client = useClient();
  const { state } = useConnection();
  const [lines, setLines] = useState<readonly { readonly id: number; readonly text: string }[]>([]);
  useEffect(() => {
    let id = 0;
    const ends = NAMES.map((name) =>
      client.on(name, (payload: unknown) => {
        const text = `${name} ${JSON.stringify(payload, (key, value: unknown) => (key === 'conversation' ? undefined : value))}`;
        setLines((before) => [{ id: ++id, text }, ...before].slice(0, MAX_LINES));
      }),
    );
    return () => ends.forEach((end) => end());
  }, [client]);
  return (
    <section className="drawer" aria-label="Developer">
      <strong>
        {client.userId}/{client.deviceId} · {state} · {client.outbox().length} unsent
      </strong>
      {lines.map(({ id, text }) => (
        <code key={id}>{text}</code>
      ))}
    </section>
  );
}
