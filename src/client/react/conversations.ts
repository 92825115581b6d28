// The list of conversations, in its order; each is the same object as long as nothing changed of it.
import type { Client } from '../client.ts';
import type { ConversationSummary } from '../summaries.ts';
import { createSource, keep, type Source } from './source.ts';

/** `undefined`: not read yet. */
export type ConversationsSource = Source<readonly ConversationSummary[] | undefined>;

export function conversationsSource(client: Client): ConversationsSource {
  return createSource<readonly ConversationSummary[] | undefined>(undefined, (set, get) => {
    let state: 'idle' | 'reading' | 'stale' | 'over' = 'idle';
    const read = async (): Promise<void> => {
      const found = await client.conversations().catch(() => undefined);
      if (state === 'over') return;
      if (found) show(found);
      // What happened while it was read may be missing.
      const isStale = state === 'stale';
      state = 'idle';
      if (isStale) again();
    };
    const again = () => {
      if (state !== 'idle') state = state === 'over' ? 'over' : 'stale';
      else {
        state = 'reading';
        void read();
      }
    };
    const show = (found: readonly ConversationSummary[]) => {
      const shown = get();
      const before = new Map(shown?.map((one) => [one.conversationId, one]));
      const now = found.map((one) => keep(before.get(one.conversationId), one));
      const isSame = shown && now.length === shown.length && now.every((one, index) => one === shown[index]);
      if (!isSame) set(now);
    };
    const ends = [
      client.on('conversationChanged', again),
      client.on('message', again),
      client.on('sendState', again),
      client.on('reset', again),
    ];
    again();
    return () => {
      state = 'over';
      for (const end of ends) end();
    };
  });
}
