// What a user wants of the service, as the mailbox head has it: an attribute for each thing that they do not want.
import type { Preferences } from '../../protocol/server-frames.ts';
import type { Item } from '../database.ts';
import { unwantedAttributes } from '../tables.ts';

export function toPreferences(head: Item): Preferences {
  const wants = (attribute: string) => head[attribute] === undefined;
  return {
    presence: wants(unwantedAttributes.presence),
    receipts: wants(unwantedAttributes.receipts),
    previews: wants(unwantedAttributes.previews),
    ...(!wants(unwantedAttributes.mentions) && { mentions: false }),
  };
}
