// What commands do.
import type { Conversation } from '../src/client/conversation.ts';
import type { OutgoingMessage } from '../src/client/outbox/outgoing.ts';
import type { Chat } from './chat.ts';
import type { Command } from './commands.ts';
import { fileOf, lastOwn, ofOthers, search } from './find.ts';
import { saveFile } from './save.ts';

/** @throws ImError, Error: what to say to the user. */
export async function perform(chat: Chat, command: Command): Promise<void> {
  const { client } = chat;
  switch (command.do) {
    case 'nothing':
      return;
    case 'help':
      return chat.show({ kind: 'help' });
    case 'wrong':
      throw new Error(command.why);
    case 'open':
      return chat.open(`user:${command.user}`);
    case 'group': {
      const { conversation, skipped } = await client.createGroup({
        title: command.title,
        members: [...command.users],
      });
      chat.open(conversation.conversationId);
      if (skipped.length > 0) chat.tell(`Not in it: ${skipped.map(({ userId }) => userId).join(', ')}`);
      return;
    }
    case 'send':
      return sendText(opened(chat), command.text);
    case 'reply': {
      const conversation = opened(chat);
      const { seq } = await ofOthers(conversation, client.userId, command.back);
      return sendText(conversation, command.text, seq);
    }
    case 'react': {
      const conversation = opened(chat);
      const { emoji, back } = command;
      const { seq, reactions = [] } = await ofOthers(conversation, client.userId, back);
      const isThere = reactions.some((one) => one.emoji === emoji && one.mine);
      await (isThere ? conversation.unreact(seq, emoji) : conversation.react(seq, emoji));
      return;
    }
    case 'search':
      return chat.show({ kind: 'found', ...(await search(client, command.query, chat.conversation)) });
    case 'save': {
      const message = await fileOf(opened(chat), command.back);
      return chat.tell(`Saved as ${await saveFile(client, message, process.cwd())}`);
    }
    case 'recall': {
      const conversation = opened(chat);
      const found = await lastOwn(conversation, client.userId);
      if (!found) throw new Error('You have sent nothing here that could be taken back');
      return conversation.recall(found.seq);
    }
    case 'retry':
      return stuck(opened(chat)).retry();
    case 'discard':
      return stuck(opened(chat)).discard();
  }
}

function opened({ conversation }: Chat): Conversation {
  if (!conversation) throw new Error('No conversation is open: /to bob, or Tab');
  return conversation;
}

async function sendText(conversation: Conversation, text: string, replyTo?: number): Promise<void> {
  const sending = conversation.send(text, replyTo === undefined ? {} : { replyTo });
  if (conversation.summary.draft !== '') conversation.saveDraft('').catch(() => {});
  await sending.stored;
}

function stuck(conversation: Conversation): OutgoingMessage {
  const found = conversation.unsent().find(({ state }) => state === 'failed' || state === 'rejected');
  if (!found) throw new Error('Nothing here failed');
  return found;
}
