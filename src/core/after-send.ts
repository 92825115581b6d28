// `afterSend`: what was stored is told to the operator, in the order of each conversation and at least once. The stream gives a
// message as it was put; by now it may have been recalled or changed (I7), so it is told as it is now.
import type { Message, Slot } from '../protocol/messages.ts';
import { isVoid, targetSeq } from '../protocol/slots.ts';
import type { Context } from './context.ts';
import { emptySlot, keyOf, NOBODY, readSlotItems, toSlot, type SlotKey } from './timeline.ts';

/** `target`: of a control message, what it is about, as in the events of clients. */
export type StoredMessage = Message & { readonly target?: Slot };

export interface Listener {
  /** What one request may hold. */
  readonly most: { readonly messages: number; readonly bytes: number };
  /** Tells the next, in order. @throws Error when not all of them were taken: they come again then. */
  readonly tell: (messages: readonly StoredMessage[]) => Promise<void>;
}

export interface Untold {
  readonly keys: readonly SlotKey[];
  readonly cause: unknown;
}

/** What comes after a failure waits for it. @returns what is to be told again. */
export async function tellStored(
  ctx: Context,
  { most, tell }: Listener,
  stored: readonly SlotKey[],
): Promise<Untold | undefined> {
  const messages = await readMessages(ctx, inOrder(stored));
  let told = 0;
  for (const request of requestsOf(messages, most)) {
    try {
      await tell(request);
    } catch (cause) {
      return { keys: messages.slice(told), cause };
    }
    told += request.length;
  }
  return undefined;
}

/** As they are now. What has expired is missing: there is nothing to tell of it any more. */
async function readMessages(ctx: Context, keys: readonly SlotKey[]): Promise<StoredMessage[]> {
  const read = async (those: readonly SlotKey[]): Promise<Map<string, Slot>> => {
    const slots = (await readSlotItems(ctx, those)).map((item) => toSlot(item, NOBODY));
    return new Map(slots.map((slot) => [keyOf(slot), slot]));
  };
  const found = await read(keys);
  const messages = keys.flatMap((key) => {
    const slot = found.get(keyOf(key));
    return slot && !isVoid(slot) ? [slot] : [];
  });
  const targets = await read(distinct(messages.flatMap(targetOf)));
  return messages.map((message) => {
    const [key] = targetOf(message);
    return key ? { ...message, target: targets.get(keyOf(key)) ?? emptySlot(key) } : message;
  });
}

function targetOf(message: Message): SlotKey[] {
  const seq = targetSeq(message);
  return seq === undefined ? [] : [{ conversationId: message.conversationId, seq }];
}

const distinct = (keys: readonly SlotKey[]): SlotKey[] => [
  ...new Map(keys.map((key) => [keyOf(key), key])).values(),
];

/**
 * Of two who send at the same moment the later number may be stored first: each conversation's are sorted, in the places
 * that they have among the others.
 */
export function inOrder(stored: readonly SlotKey[]): SlotKey[] {
  const keys = distinct(stored);
  const waiting = new Map<string, SlotKey[]>();
  for (const key of keys.toSorted((left, right) => right.seq - left.seq)) {
    waiting.set(key.conversationId, [...(waiting.get(key.conversationId) ?? []), key]);
  }
  return keys.map(({ conversationId }) => waiting.get(conversationId)!.pop()!);
}

/** As few as hold them; one that is too large by itself goes alone. */
export function requestsOf<Part>(messages: readonly Part[], most: Listener['most']): Part[][] {
  const requests: Part[][] = [];
  let sizeBytes = 0;
  for (const message of messages) {
    const bytes = Buffer.byteLength(JSON.stringify(message)) + 1;
    const last = requests.at(-1);
    if (last && last.length < most.messages && sizeBytes + bytes <= most.bytes) {
      last.push(message);
      sizeBytes += bytes;
    } else {
      requests.push([message]);
      sizeBytes = bytes;
    }
  }
  return requests;
}
