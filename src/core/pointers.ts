// Mailbox entries: pointers to messages (or small events), kept short because sixteen of them share one write unit.
//
//   bob#7          message 7 of the direct conversation with bob, named by the peer alone
//   bob#7!x9Zk     the same, in the sender's own mailbox: made by the device of that digest
//   g:team#7       message 7 of a group
import { directConversationId } from '../protocol/ids.ts';

export interface MessagePointer {
  readonly conversationId: string;
  readonly seq: number;
  /** Digest of the device that made it, when it was one of this user's own. */
  readonly madeBy?: string;
}

/** How the pointer to a message reads in the mailbox of `userId`. `peer`: the other user, in a direct conversation. */
export function encodePointer(pointer: MessagePointer & { readonly peer?: string }): string {
  const conversation = pointer.peer ?? pointer.conversationId;
  return `${conversation}#${pointer.seq.toString(36)}${pointer.madeBy ? `!${pointer.madeBy}` : ''}`;
}

export function decodePointer(entry: string, userId: string): MessagePointer {
  const [, conversation = '', seq = '', madeBy] = /^([^#]+)#([0-9a-z]+)(?:!(.+))?$/.exec(entry) ?? [];
  if (!conversation) throw new Error(`Not a mailbox entry: ${entry}`);
  return {
    conversationId: conversation.startsWith('g:') ? conversation : directConversationId(userId, conversation),
    seq: parseInt(seq, 36),
    ...(madeBy !== undefined && { madeBy }),
  };
}
