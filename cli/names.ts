// How users are called, as components show it.
import { useEffect, useMemo, useState } from 'react';
import { useClient } from '../src/client/react/hooks.ts';
import type { ConversationSummary } from '../src/client/summaries.ts';
import { oneLine } from './text.ts';

export type NameOf = (userId: string) => string;

/** Another function whenever somebody is called otherwise. */
export function useNames(): NameOf {
  const client = useClient();
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const again = () => setVersion((before) => before + 1);
    const ends = [client.on('profilesChanged', again), client.on('contactChanged', again)];
    return () => ends.forEach((end) => end());
  }, [client]);
  return useMemo(() => (userId) => nameIn(client, userId, version), [client, version]);
}

const nameIn = (client: { nameOf(userId: string): string }, userId: string, _version: number) =>
  oneLine(client.nameOf(userId)) || userId;

export function titleOf(summary: ConversationSummary, nameOf: NameOf): string {
  if (summary.peer !== undefined) return nameOf(summary.peer);
  return oneLine(summary.title ?? '') || 'a group';
}
