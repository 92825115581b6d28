// How much of a journal still counts: the bytes of each line, shared out evenly among its changes.
import type { Change } from './storage.ts';

export class LiveBytes {
  private readonly shares = new Map<string, number>();
  private sum = 0;

  get total(): number {
    return this.sum;
  }

  add(changes: readonly Change[], lineBytes: number): void {
    const share = lineBytes / changes.length;
    for (const { key, value } of changes) {
      this.sum -= this.shares.get(key) ?? 0;
      this.shares.delete(key);
      if (value === undefined) continue;
      this.sum += share;
      this.shares.set(key, share);
    }
  }
}
