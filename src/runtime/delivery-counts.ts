// What becomes of what a batch sends, counted as it passes: the domain has no word for it.
import type { Context, PushDelivery, Pushes } from '../core/context.ts';

export interface DeliveryCounts {
  /** Frames, by what became of them. */
  readonly pushes: Record<PushDelivery, number>;
  /** Left to `group-tasks`. */
  tasks: number;
}

/** @returns a context that counts, and the counts as they stand. */
export function countDeliveries(ctx: Context): { counted: Context; counts: DeliveryCounts } {
  const counts: DeliveryCounts = { pushes: { accepted: 0, gone: 0, failed: 0, stalled: 0 }, tasks: 0 };
  const startPushes = (): Pushes => {
    const pushes = ctx.connections.startPushes();
    return {
      ...pushes,
      async push(connectionId, frame) {
        const delivery = await pushes.push(connectionId, frame);
        counts.pushes[delivery]++;
        return delivery;
      },
    };
  };
  const tasks: Context['tasks'] = {
    async send(those, delayMs) {
      await ctx.tasks.send(those, delayMs);
      counts.tasks += those.length;
    },
  };
  return { counted: { ...ctx, tasks, connections: { ...ctx.connections, startPushes } }, counts };
}
