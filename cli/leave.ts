// Leaving: what was written goes out first, as far as there is a connection, and a draft is kept.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../src/client/client.ts';
import type { Chat } from './chat.ts';

const PATIENCE_MS = 3_000;

/** What to say at the end, if anything was not sent. */
export async function leave(chat: Chat, isKept: boolean): Promise<string | undefined> {
  const { client } = chat;
  if (client.state === 'synced') {
    const late = delay(PATIENCE_MS, undefined, { ref: false });
    await Promise.race([Promise.all([chat.keepDraft(), allSent(client)]), late]);
  }
  const left = client.outbox().length;
  await client.close();
  if (left === 0) return undefined;
  return `${left} not sent: ${isKept ? 'they go out when the chat is started again' : 'they are lost without --data'}`;
}

function allSent(client: Client): Promise<void> {
  const isDone = () => client.outbox().every(({ state }) => state === 'failed' || state === 'rejected');
  if (isDone()) return Promise.resolve();
  return new Promise((resolve) => {
    const end = client.on('sendState', () => {
      if (!isDone()) return;
      end();
      resolve();
    });
  });
}
