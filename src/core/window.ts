// A member's last sends in one conversation: what makes a send idempotent, and limits its rate, for no extra write.
// An entry is a short string of digests, so that 16 of them and the member fit one write unit (1 KB).
import { createHash } from 'node:crypto';

export const WINDOW_SIZE = 16;

export type Window = readonly string[];

export interface WindowEntry {
  /** Digest of the clientMsgId (72 bits: among 16 entries of one's own, no accident meets itself). */
  readonly id: string;
  /** Digest of type, body and silent: tells a repeat from a conflict. */
  readonly payload: string;
  readonly seq: number;
  /** The conversation's `counted` at this seq. */
  readonly counted: number;
  /** Milliseconds since the epoch; becomes the message's serverTime, whoever puts it into its slot. */
  readonly at: number;
}

export function digest(text: string, bytes: number): string {
  return createHash('sha256').update(text).digest().subarray(0, bytes).toString('base64url');
}

export const clientMsgIdDigest = (clientMsgId: string) => digest(clientMsgId, 9);
export const payloadDigest = (payload: unknown) => digest(JSON.stringify(payload), 6);

export function findSend(window: Window, id: string): WindowEntry | undefined {
  const found = window.find((entry) => entry.startsWith(id));
  return found === undefined ? undefined : decode(found);
}

/** The window with this send as its newest, in place of an earlier one of the same id. */
export function recordSend(window: Window, entry: WindowEntry): Window {
  const others = window.filter((other) => !other.startsWith(entry.id));
  return [...others, encode(entry)].slice(-WINDOW_SIZE);
}

/** How long to wait before one more send: 0, unless the last 16 all fell into `floodMs`. */
export function floodWaitMs(window: Window, now: number, floodMs: number): number {
  const oldest = window[0];
  if (oldest === undefined || window.length < WINDOW_SIZE) return 0;
  return Math.max(0, decode(oldest).at + floodMs - now);
}

function encode({ id, payload, seq, counted, at }: WindowEntry): string {
  return `${id}${payload} ${seq.toString(36)} ${counted.toString(36)} ${at.toString(36)}`;
}

function decode(entry: string): WindowEntry {
  const [digests = '', seq = '', counted = '', at = ''] = entry.split(' ');
  return {
    id: digests.slice(0, 12),
    payload: digests.slice(12),
    seq: parseInt(seq, 36),
    counted: parseInt(counted, 36),
    at: parseInt(at, 36),
  };
}
