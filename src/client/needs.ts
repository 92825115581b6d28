// What a device has to see to without being asked, and needs its extras for.
import { isGroupId } from '../protocol/ids.ts';
import type { ConversationRecord } from './store/schema.ts';
import type { Store } from './store/store.ts';

/** Nothing told what it is called: who comes into a large group gets no message of it. */
export const isNameless = ({ conversationId, group, left }: ConversationRecord) =>
  isGroupId(conversationId) && !group && !left;

/** The server does not have how far was read here. */
export const isUntold = (
  record: ConversationRecord,
): record is ConversationRecord & { readonly readSeq: number } =>
  (record.readSeq ?? 0) > (record.toldSeq ?? 0);

/** Where to be notified is kept, and this mailbox's server has not answered it. */
export const isToRegister = ({ push, meta }: Store) =>
  push !== undefined && push.toldTo !== (meta.mailbox ?? '');

/** By what is stored. */
export const needsExtras = (store: Store) =>
  isToRegister(store) ||
  store.withHoles.length > 0 ||
  [...store.conversations].some((record) => isNameless(record) || isUntold(record));
