// Pushes in a row that a connection did not take. They stand in the memory of an execution environment, so that a push
// costs no write: each environment counts for itself, and a new one has seen none.

/** Connections that are counted at once; beyond it the one that failed longest ago is forgotten. */
const MAX_CONNECTIONS = 10_000;

export class PushFailures {
  private readonly inARow = new Map<string, number>();

  /** @returns how many it is in a row. */
  count(connectionId: string): number {
    const failures = (this.inARow.get(connectionId) ?? 0) + 1;
    this.inARow.delete(connectionId);
    this.inARow.set(connectionId, failures);
    if (this.inARow.size > MAX_CONNECTIONS) this.inARow.delete(this.inARow.keys().next().value!);
    return failures;
  }

  forget(connectionId: string): void {
    this.inARow.delete(connectionId);
  }
}
