// How far a search has come: what clients get as an opaque `next`, and hand in again.

/** The entries of the caller's mailbox that a search of all conversations begins with. */
export interface Window {
  /** After `end`, up to `head`: those that stood there when it began. */
  readonly head: number;
  readonly end: number;
  /** When that was: what was sent later is no part of it. */
  readonly since: number;
}

export type Position =
  /** In this conversation, alone, the numbers below `below` are left. */
  | { readonly part: 'one'; readonly conversationId: string; readonly below: number }
  /** Entries up to `upTo` are left, and all that is in no entry. */
  | ({ readonly part: 'recent'; readonly upTo: number } & Window)
  /** The window is done. In this conversation the numbers below `below` are left, and those after it; `""`: all are. */
  | ({ readonly part: 'rest'; readonly conversationId: string; readonly below: number } & Window);

export function encodeCursor(position: Position): string {
  const fields =
    position.part === 'one'
      ? [position.conversationId, position.below]
      : [
          position.head,
          position.end,
          position.since,
          ...(position.part === 'recent' ? [position.upTo] : [position.conversationId, position.below]),
        ];
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/** `undefined`: that is none. What it says is held against what there is by whoever goes on from it. */
export function decodeCursor(text: string): Position | undefined {
  const fields = parse(text);
  if (!Array.isArray(fields)) return undefined;
  const [first, second, since, place, below] = fields as unknown[];
  if (fields.length === 2 && typeof first === 'string' && isCount(second)) {
    return { part: 'one', conversationId: first, below: second };
  }
  if (!isCount(first) || !isCount(second) || !isCount(since) || second > first) return undefined;
  const window: Window = { head: first, end: second, since };
  if (fields.length === 4 && isCount(place) && place <= first) {
    return { part: 'recent', ...window, upTo: place };
  }
  if (fields.length === 5 && typeof place === 'string' && isCount(below)) {
    return { part: 'rest', ...window, conversationId: place, below };
  }
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
