// What to make of a slot; no schemas, for these are in every bundle.
import type { Slot, VoidSlot } from './messages.ts';

/** Bodies of `control` messages, which the server makes: what was done to the message `seq`, and by whom. */
export interface ControlBody {
  readonly op: 'recall' | 'edit';
  readonly seq: number;
  readonly by: string;
}

/** The message that a control message is about. */
export function targetSeq(slot: Slot): number | undefined {
  if (isVoid(slot) || slot.type !== 'control') return undefined;
  const { seq } = slot.body as Partial<ControlBody>;
  return typeof seq === 'number' ? seq : undefined;
}

export function isVoid(slot: Slot): slot is VoidSlot {
  return 'void' in slot;
}
