// The lines of a journal: each a batch with its checksum, so that a line which was torn by a crash is recognised.
import { hash } from 'node:crypto';
import type { Change } from './storage.ts';

/** First line of the file. */
export const HEADER = '{"format":"im-journal","version":1}\n';

const HEADER_OF_OTHERS = /^\{"format":"im-journal","version":[1-9]\d*\}\n/;

/** A change as `[key, value]`; `[key]` removes it. */
type Line = readonly (readonly [string, unknown?])[];

export function encodeLine(changes: readonly Change[]): string {
  const line: Line = changes.map(({ key, value }) => (value === undefined ? [key] : [key, value]));
  const json = JSON.stringify(line);
  return `${checksum(json)} ${json}\n`;
}

export interface Batch {
  readonly changes: readonly Change[];
  readonly sizeBytes: number;
}

export interface Journal {
  readonly ok: true;
  /** The whole ones, damaged lines left out. */
  readonly batches: readonly Batch[];
  /** Up to the end of the last whole line. */
  readonly soundBytes: number;
  readonly damagedLines: number;
}

/** Reads all whole lines. An end without a line's end was never acknowledged; all else that is not whole is damage. */
export function decodeJournal(content: Buffer): Journal | { readonly ok: false; readonly problem: string } {
  if (content.length < HEADER.length && HEADER.startsWith(content.toString()))
    return { ok: true, batches: [], soundBytes: 0, damagedLines: 0 };
  if (content.subarray(0, HEADER.length).equals(Buffer.from(HEADER)))
    return decodeLines(content, HEADER.length);
  if (HEADER_OF_OTHERS.test(content.toString('latin1', 0, 2 * HEADER.length)))
    return { ok: false, problem: 'was written by another version' };
  const journal = decodeLines(content, 0);
  return journal.batches.length > 0 ? journal : { ok: false, problem: 'is no journal' };
}

function decodeLines(content: Buffer, start: number): Journal {
  const batches: Batch[] = [];
  let soundBytes = start;
  let damagedLines = 0;
  for (let at = start; at < content.length;) {
    const end = content.indexOf('\n', at);
    if (end === -1) {
      // Whole but for its last byte, it was written to the end.
      if (decodeLine(content.toString('utf8', at, content.length - 1))) damagedLines++;
      break;
    }
    const changes = decodeLine(content.toString('utf8', at, end));
    const next = end + 1;
    if (changes) {
      batches.push({ changes, sizeBytes: next - at });
      soundBytes = next;
    } else damagedLines++;
    at = next;
  }
  return { ok: true, batches, soundBytes, damagedLines };
}

function decodeLine(text: string): Change[] | undefined {
  const json = text.slice(CHECKSUM_LENGTH + 1);
  if (!text.startsWith(`${checksum(json)} `)) return undefined;
  return (JSON.parse(json) as Line).map(([key, value]) => ({ key, value }));
}

const CHECKSUM_LENGTH = 8;
const checksum = (text: string) => hash('sha256', text).slice(0, CHECKSUM_LENGTH);
