// Notifications of the browser, for whoever wants them: of what comes while nobody looks, one for each conversation.
import { useEffect, useRef } from 'react';
import type { Message } from '../src/protocol/messages.ts';
import type { Client } from '../src/client/client.ts';
import { useClient, useNames } from '../src/client/react/hooks.ts';
import { isMentioned, lineOf, titleOf } from './texts.ts';
import { words } from './words.ts';

const REMEMBERED = 'im-chat-notifications';
const MAX_LENGTH = 200;

export const canNotify = 'Notification' in globalThis;

export function wantsNotifications(): boolean {
  try {
    return canNotify && Notification.permission === 'granted' && localStorage.getItem(REMEMBERED) !== null;
  } catch {
    return false;
  }
}

/** By the user's own click, for browsers ask then. Resolves to whether there are any from now on. */
export async function askForNotifications(on: boolean): Promise<boolean> {
  const isOn = on && (await Notification.requestPermission()) === 'granted';
  try {
    if (isOn) localStorage.setItem(REMEMBERED, '1');
    else localStorage.removeItem(REMEMBERED);
  } catch {
    // A browser that keeps nothing is asked anew each time.
  }
  return isOn;
}

export function useNotifications(
  isOn: boolean,
  opened: string | undefined,
  open: (conversationId: string) => void,
): void {
  const client = useClient();
  const nameOf = useNames();
  const latest = useRef({ opened, open, nameOf });
  latest.current = { opened, open, nameOf };
  useEffect(() => {
    if (!isOn) return;
    return client.on('message', ({ conversationId, message }) => {
      const isSeen = () =>
        !document.hidden && (document.hasFocus() || latest.current.opened === conversationId);
      const tell = async () => {
        if (isSeen() || !(await isWanted(client, message))) return;
        const { previews } = await preferencesOf(client);
        const { summary } = client.conversation(conversationId);
        // Read meanwhile, here or on another device.
        if (isSeen() || message.seq <= summary.readSeq) return;
        const { userId } = client;
        const names = latest.current.nameOf;
        const line = lineOf(message, { userId, isGroup: summary.kind === 'group', nameOf: names });
        const shown = new Notification(titleOf(summary, names), {
          tag: conversationId,
          body: previews ? Array.from(line).slice(0, MAX_LENGTH).join('') : words.newMessage,
        });
        shown.addEventListener('click', () => {
          window.focus();
          latest.current.open(conversationId);
          shown.close();
        });
      };
      void tell().catch(() => {});
    });
  }, [client, isOn]);
}

/** What the user wants; without a connection, what users want who said nothing. */
const preferencesOf = (client: Client) =>
  client.preferences().catch(() => ({ previews: true, mentions: undefined }));

/** As the backend notifies: through a mute, what mentions the user or answers them. */
async function isWanted(client: Client, message: Message): Promise<boolean> {
  const conversation = client.conversation(message.conversationId);
  const { muted, readSeq } = conversation.summary;
  if (message.from === client.userId || message.silent || message.recalled || message.seq <= readSeq)
    return false;
  if (!muted) return true;
  if ((await preferencesOf(client)).mentions === false) return false;
  if (isMentioned(message, client.userId)) return true;
  if (message.replyTo === undefined) return false;
  const [answered] = await conversation.messages({ after: message.replyTo - 1, limit: 1 });
  return answered?.seq === message.replyTo && answered.from === client.userId;
}
