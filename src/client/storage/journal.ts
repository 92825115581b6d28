// The lines of a journal: each a batch with its checksum, so that a line which was torn by a crash is recognised.
import { createHash } from 'node:crypto';
import type { Change } from './storage.ts';

/** First line of the file. */
export const HEADER = '{"format":"im-journal","version":1}\n';

/** A change as `[key, value]`; `[key]` removes it. */
type Line = readonly (readonly [string, unknown?])[];

export function encodeLine(changes: readonly Change[]): string {
  const line: Line = changes.map(({ key, value }) => (value === undefined ? [key] : [key, value]));
  const json = JSON.stringify(line);
  return `${checksum(json)} ${json}\n`;
}

export type Journal =
  | { readonly ok: true; readonly batches: readonly Change[][]; readonly soundBytes: number }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads all whole lines. What follows the last of them is a batch that was never acknowledged; a damaged line that
 * others follow is something else, and nothing to guess about.
 */
export function decodeJournal(content: Buffer): Journal {
  if (content.length < HEADER.length && HEADER.startsWith(content.toString()))
    return { ok: true, batches: [], soundBytes: 0 };
  if (!content.subarray(0, HEADER.length).equals(Buffer.from(HEADER)))
    return { ok: false, problem: 'is no journal' };
  const batches: Change[][] = [];
  let soundBytes = HEADER.length;
  while (soundBytes < content.length) {
    const end = content.indexOf('\n', soundBytes);
    const batch = end === -1 ? undefined : decodeLine(content.toString('utf8', soundBytes, end));
    if (!batch) {
      const torn = end === -1 || end === content.length - 1;
      return torn
        ? { ok: true, batches, soundBytes }
        : { ok: false, problem: `is damaged at byte ${soundBytes}` };
    }
    batches.push(batch);
    soundBytes = end + 1;
  }
  return { ok: true, batches, soundBytes };
}

function decodeLine(text: string): Change[] | undefined {
  const json = text.slice(CHECKSUM_LENGTH + 1);
  if (!text.startsWith(`${checksum(json)} `)) return undefined;
  return (JSON.parse(json) as Line).map(([key, value]) => ({ key, value }));
}

const CHECKSUM_LENGTH = 8;
const checksum = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, CHECKSUM_LENGTH);
