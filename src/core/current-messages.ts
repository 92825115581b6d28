// What a batch may say of its messages. The stream gives each as it was sent; by now it may have been recalled (I7). So
// what is no longer fresh is looked up, and what a control message is about always is: in the common case nothing.
import type { Message, Slot } from '../protocol/messages.ts';
import { targetSeq } from '../protocol/slots.ts';
import type { Context } from './context.ts';
import type { Told } from './pushes.ts';
import type { Item } from './database.ts';
import { reactionAttributes } from './tables.ts';
import { emptySlot, keyOf, NOBODY, readSlotItems, toSlot, type SlotKey } from './timeline.ts';

/** For so long is what was looked up for one recipient good for the next. */
const REUSE_MS = 100;

type Tell = (message: Message, viewer: string) => Extract<Told, { kind: 'message' }>;
export type CurrentMessages = () => Promise<Tell>;

/** Ask each time, right before pushing. */
export function currentMessages(ctx: Context, messages: readonly Message[]): CurrentMessages {
  let latest: { readonly at: number; readonly tell: Promise<Tell> } | undefined;
  return () => {
    const at = ctx.now();
    if (latest && at - latest.at < REUSE_MS) return latest.tell;
    const tell = lookUp(ctx, messages);
    latest = { at, tell };
    return tell;
  };
}

async function lookUp(ctx: Context, messages: readonly Message[]): Promise<Tell> {
  const stale = messages.filter(({ serverTime }) => ctx.now() - serverTime > ctx.settings.pushFreshMs);
  const keys = new Map<string, SlotKey>(stale.map((message) => [keyOf(message), message]));
  for (const target of messages.flatMap(targetOf)) keys.set(keyOf(target), target);
  const items = await readSlotItems(ctx, [...keys.values()]);
  const found = new Map(items.map((item) => [keyOf(item as unknown as SlotKey), showing(item)]));
  const now = (key: SlotKey, viewer: string): Slot => found.get(keyOf(key))?.(viewer) ?? emptySlot(key);
  return (message, viewer) => {
    const [target] = targetOf(message);
    return {
      kind: 'message',
      message: keys.has(keyOf(message)) ? now(message, viewer) : message,
      ...(target && { target: now(target, viewer) }),
    };
  };
}

/** For each viewer; where it looks the same to all of them, made once. */
function showing(item: Item): (viewer: string) => Slot {
  if (reactionAttributes(item).length > 0) return (viewer) => toSlot(item, viewer);
  const slot = toSlot(item, NOBODY);
  return () => slot;
}

function targetOf(message: Message): SlotKey[] {
  const seq = targetSeq(message);
  return seq === undefined ? [] : [{ conversationId: message.conversationId, seq }];
}
