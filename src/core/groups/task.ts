// Notes of work for a group that is too large for one invocation, or that is due later. They stand in a queue; each is
// carried out, and tried again, by itself. A note names what to look up, and never holds what it is about.

/** Both ends included, in code-unit order. */
export interface IdRange {
  readonly from: string;
  readonly to: string;
}

export type Task =
  /** Of these messages, what belongs into the mailboxes of members in a range of ids. */
  | {
      readonly kind: 'deliver';
      readonly conversationId: string;
      readonly seqs: readonly number[];
      readonly users: IdRange;
    }
  /** The same for connections that look at the group. */
  | {
      readonly kind: 'push';
      readonly conversationId: string;
      readonly seqs: readonly number[];
      readonly connections: IdRange;
    }
  /** To tell members who are online and do not look that there is something new. */
  | { readonly kind: 'heads'; readonly conversationId: string; readonly users?: IdRange };

/** Where notes go. */
export interface Tasks {
  send(tasks: readonly Task[], delayMs?: number): Promise<void>;
}

/** Ranges of at most so many ids. */
export function rangesOf(ids: readonly string[], size: number): IdRange[] {
  const sorted = ids.toSorted();
  return Array.from({ length: Math.ceil(sorted.length / size) }, (_, index) => {
    const portion = sorted.slice(index * size, (index + 1) * size);
    return { from: portion[0]!, to: portion.at(-1)! };
  });
}
