// A device's last three sends in one conversation: what makes a send idempotent, and limits its rate, in the very update
// that takes its number. A client has one send under way in a conversation, so no retry is forgotten, whatever other
// devices write meanwhile. DynamoDB evaluates right-hand sides on the item as it was: so a ring shifts, and takes the
// next number without knowing it.
//
//   [entry, seq, counted,  entry, seq, counted,  entry, seq, counted,  due, connection]       newest first
//
// One list a device, for that is what takes the least space: four devices of each side and the rest fit one write unit.
import { CLIENT_MSG_ID_BYTES, PAYLOAD_BYTES } from './digest.ts';
import type { Item } from './database.ts';
import { ringAttributes, type Side } from './tables.ts';

export const RING_SIZE = 3;
/** Devices of one side that are remembered; of more, the one that sent longest ago is forgotten. */
export const MAX_RINGS = 5;

const FIELDS = 3;
const TIME_BYTES = 6;
const TIME_OFFSET = CLIENT_MSG_ID_BYTES + PAYLOAD_BYTES;

export type Ring = readonly (Uint8Array | number)[];

/** What a device noted about a send of its own. */
export interface RingEntry {
  readonly index: number;
  readonly payload: Buffer;
  readonly seq: number;
  /** The conversation's `counted` at this seq. */
  readonly counted: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Where things stand in `#ring`, as paths for expressions. */
export const ringPath = {
  /** Digests of the send and of what was sent, and its time: found by how it begins. */
  entry: (index: number) => `#ring[${FIELDS * index}]`,
  seq: (index: number) => `#ring[${FIELDS * index + 1}]`,
  counted: (index: number) => `#ring[${FIELDS * index + 2}]`,
  /** When the device may send again, if it is not to send in a burst. */
  due: `#ring[${FIELDS * RING_SIZE}]`,
  /** Digest of the connection that the newest send came over. */
  connection: `#ring[${FIELDS * RING_SIZE + 1}]`,
} as const;

export const emptyEntries = (size: number): Ring =>
  Array.from({ length: size }, () => [new Uint8Array(1), 0, 0]).flat();

/** Of a device that has not sent yet. */
export const emptyRing: Ring = [...emptyEntries(RING_SIZE), 0, new Uint8Array(1)];

/** Sends of a whole group that are remembered with the number that they took: entries alone, for it is in the HEAD. */
export const CLAIMS_SIZE = 8;
export const emptyClaims: Ring = emptyEntries(CLAIMS_SIZE);

export function encodeEntry(id: Buffer, payload: Buffer, at: number): Uint8Array {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeUIntBE(at, 0, TIME_BYTES);
  return new Uint8Array(Buffer.concat([id, payload, time]));
}

/** The send of this id among those that are remembered. */
export function findSend(ring: Ring, id: Buffer, size = RING_SIZE): RingEntry | undefined {
  for (let index = 0; index < size; index++) {
    const [entry, seq, counted] = ring.slice(FIELDS * index) as [Uint8Array, number, number];
    const bytes = Buffer.from(entry);
    if (!bytes.subarray(0, CLIENT_MSG_ID_BYTES).equals(id)) continue;
    const payload = bytes.subarray(CLIENT_MSG_ID_BYTES, TIME_OFFSET);
    return { index, payload, seq, counted, at: timeOf(bytes) };
  }
  return undefined;
}

/** Newest first. */
export const entriesOf = (ring: Ring, size: number): readonly Uint8Array[] =>
  Array.from({ length: size }, (_, index) => ring[FIELDS * index] as Uint8Array);
export const isSameEntry = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0;

/** Makes room for a new entry: those before `index` move one place on, over the one that stood there. */
export function shiftRing(index: number): string[] {
  return Array.from({ length: index }, (_, before) => [
    `${ringPath.entry(before + 1)} = ${ringPath.entry(before)}`,
    `${ringPath.seq(before + 1)} = ${ringPath.seq(before)}`,
    `${ringPath.counted(before + 1)} = ${ringPath.counted(before)}`,
  ]).flat();
}

export function ringOf(item: Item, attribute: string): Ring | undefined {
  return item[attribute] as Ring | undefined;
}

export const dueAt = (ring: Ring) => ring[FIELDS * RING_SIZE] as number;
export const newestSeq = (ring: Ring) => ring[1] as number;
/** When the newest send took its number; 0 = there is none. */
export const newestAt = (ring: Ring) => timeOf(ring[0] as Uint8Array);
/** The same of the last of so many. */
export const oldestAt = (ring: Ring, size: number) => timeOf(ring[FIELDS * (size - 1)] as Uint8Array);
export const isOfConnection = (ring: Ring, connection: Buffer) =>
  connection.equals(ring[FIELDS * RING_SIZE + 1] as Uint8Array);

/** 0 = of an empty one. */
export const timeOf = (entry: Uint8Array) =>
  entry.length < TIME_OFFSET + TIME_BYTES ? 0 : Buffer.from(entry).readUIntBE(TIME_OFFSET, TIME_BYTES);

/** Rings of a side beyond MAX_RINGS, those of the devices that sent longest ago. */
export function forgettable(item: Item, side: Side): string[] {
  return ringAttributes(Object.keys(item), side)
    .toSorted((left, right) => newestSeq(ringOf(item, right)!) - newestSeq(ringOf(item, left)!))
    .slice(MAX_RINGS);
}
