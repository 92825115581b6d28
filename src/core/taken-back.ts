// What is left of a message that was taken back: its place, who sent it and when. Nothing of what it said, or what was said to it.
import type { Message } from '../protocol/messages.ts';
import type { Item, TransactionPart } from './database.ts';
import { mediaOf, toMedia } from './media/keys.ts';
import { reactionAttributes } from './tables.ts';

/** What a message has beside its body, and a recalled one has not. */
const SAID_WITH_IT = [
  'edits',
  'replyTo',
  'mentions',
  'reacted',
  'told',
  'pruned',
  'reactionCount',
  'emojiCount',
] as const;

/**
 * Takes it back in place, under the condition that it is as it was read: nobody may react meanwhile, for what they said would
 * stay. `control`: of the message that tells of it, if one does.
 */
export function takeBackPart(
  item: Item,
  message: Message,
  control?: number,
): TransactionPart & { readonly kind: 'update' } {
  const { conversationId, seq } = message;
  const media = mediaOf(message);
  const { reacted } = item;
  const reactions = Object.fromEntries(reactionAttributes(item).map((name, index) => [`r${index}`, name]));
  const gone = [...SAID_WITH_IT, ...Object.keys(reactions)].map((name) => `#${name}`).join(', ');
  const sets = [
    '#recalled = :true',
    '#body = :empty',
    ...(control === undefined ? [] : ['#control = :control']),
    // For a repeat to know what is to be deleted.
    ...(media ? ['#media = :media'] : []),
  ];
  return {
    kind: 'update',
    table: 'Messages',
    key: { conversationId, seq },
    update: `SET ${sets.join(', ')} REMOVE ${gone}`,
    condition: `attribute_exists(#type) AND attribute_not_exists(#recalled) AND ${
      reacted === undefined ? 'attribute_not_exists(#reacted)' : '#reacted = :reacted'
    }`,
    names: reactions,
    values: {
      true: true,
      empty: '{}',
      ...(control !== undefined && { control }),
      ...(reacted !== undefined && { reacted }),
      ...(media && { media: toMedia(media.key) }),
    },
  };
}
