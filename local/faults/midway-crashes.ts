// Environments that are to die in the middle of their work, after some of their DynamoDB requests. What a function asks
// for at the same time arrives in any order, so it is gathered and struck together: what such an environment leaves
// behind does not depend on which request was faster.
import { setImmediate, setTimeout as delay } from 'node:timers/promises';

/** Requests that were under way when the environment died: they are carried out, and none of them is answered. */
export interface LastRequests {
  /** One of them was carried out; after all of them, the environment dies. */
  carriedOut(): void;
}

interface Doomed {
  requestsLeft: number;
  arrivals: number;
  gathering: Promise<LastRequests | undefined> | undefined;
  gathered: number;
}

/** Requests that a function makes at once arrive closer together than this. */
const quietMs = 25;

export class MidwayCrashes {
  private readonly doomed = new Map<string, Doomed>();
  private readonly onCrash: (environmentId: string) => void;
  private readonly closing: AbortSignal;

  constructor(onCrash: (environmentId: string) => void, closing: AbortSignal) {
    this.onCrash = onCrash;
    this.closing = closing;
  }

  /** The environment dies after this many more of its requests, and those that are under way by then. */
  arm(environmentId: string, requests: number): void {
    this.doomed.set(environmentId, {
      requestsLeft: requests,
      arrivals: 0,
      gathering: undefined,
      gathered: 0,
    });
  }

  disarm(environmentId: string): void {
    this.doomed.delete(environmentId);
  }

  /** To be asked before a request is carried out; undefined: it is one like any other. */
  async admit(environmentId: string): Promise<LastRequests | undefined> {
    const doomed = this.doomed.get(environmentId);
    if (!doomed) return undefined;
    doomed.arrivals += 1;
    doomed.gathered += 1;
    doomed.gathering ??= this.gather(environmentId, doomed);
    return await doomed.gathering;
  }

  private async gather(environmentId: string, doomed: Doomed): Promise<LastRequests | undefined> {
    await this.quiet(doomed);
    let underWay = doomed.gathered;
    doomed.gathering = undefined;
    doomed.gathered = 0;
    doomed.requestsLeft -= underWay;
    if (doomed.requestsLeft > 0) return undefined;
    this.disarm(environmentId);
    return {
      carriedOut: () => {
        underWay -= 1;
        if (underWay === 0) this.onCrash(environmentId);
      },
    };
  }

  private async quiet(doomed: Doomed): Promise<void> {
    for (let seen = 0; seen < doomed.arrivals && !this.closing.aborted;) {
      seen = doomed.arrivals;
      await delay(quietMs, undefined, { signal: this.closing }).catch(() => undefined);
      // A process that was held up looks at what has arrived before it says that nothing has.
      await setImmediate();
    }
  }
}
