// Frames by which somebody reacts, blocks or sends, one by one, with their answers: as one sees them at a device's sockets.
import type { Stage } from '../stage.ts';

type Frame = Readonly<Record<string, unknown>>;
type Action = 'react' | 'block' | 'unblock' | 'send';

export interface Wish {
  readonly by: string;
  readonly deviceId: string;
  readonly action: Action;
  readonly frame: Frame;
  /** When it left. */
  readonly askedAt: number;
  /** When its answer was heard; absent: nobody knows what came of it. */
  readonly answeredAt?: number;
  /** Of a refusal. */
  readonly code?: string;
  /** What the refusal says. */
  readonly reason?: string;
}

const actions = ['react', 'block', 'unblock', 'send'];

export class WishLog {
  readonly wishes: Wish[] = [];
  private readonly owner: Pick<Wish, 'by' | 'deviceId'>;
  private readonly stage: Stage;

  constructor(stage: Stage, by: string, deviceId: string) {
    this.stage = stage;
    this.owner = { by, deviceId };
  }

  /** One socket's view of it. Of copies of a frame, which share their id, each is answered. */
  connection(): { leave(frame: Frame): void; hear(frame: Frame): void } {
    const open = new Map<unknown, number[]>();
    return {
      leave: (frame) => {
        const action = frame['action'] as Action;
        if (!actions.includes(action)) return;
        const index = this.wishes.push({ ...this.owner, action, frame, askedAt: this.stage.now() }) - 1;
        open.set(frame['id'], [...(open.get(frame['id']) ?? []), index]);
      },
      hear: (frame) => {
        const index = open.get(frame['id'])?.shift();
        if (index === undefined) return;
        const error = frame['error'] as { readonly code: string; readonly message: string } | undefined;
        const refusal = error && { code: error.code, reason: error.message };
        const answer = { answeredAt: this.stage.now(), ...refusal };
        this.wishes[index] = { ...this.wishes[index]!, ...answer };
      },
    };
  }
}

/** Whoever waited longer may have had a write that hung, and is carried out after the one that was tried in its place. */
export const SURELY_OVER_MS = 300;

export const isDone = ({ answeredAt, code }: Wish): boolean => answeredAt !== undefined && code === undefined;

/** Nothing of it happens any more from then on. */
export function overAt(wish: Wish): number {
  const { answeredAt = Infinity, askedAt } = wish;
  return isDone(wish) && answeredAt - askedAt < SURELY_OVER_MS ? answeredAt : Infinity;
}

export function groupBy<One>(all: Iterable<One>, keyOf: (one: One) => string): Map<string, One[]> {
  const groups = new Map<string, One[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}
