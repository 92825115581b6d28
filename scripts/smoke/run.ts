// Goes through the checks in order, each timed and ended in time; what stands on one that failed is not tried.
export interface Check {
  readonly name: string;
  readonly run: () => Promise<void>;
  /** Without it the rest of its part has nothing to stand on. */
  readonly isVital?: true;
}

export interface Part {
  readonly checks: readonly Check[];
  /** The other parts have nothing to stand on without its vital ones. */
  readonly isVital?: true;
}

export interface Outcome {
  readonly check: string;
  readonly outcome: 'ok' | 'failed' | 'not tried';
  readonly ms: number;
  /** What was wrong. */
  readonly why?: string;
}

export interface Clock {
  readonly now: () => number;
  /** When the whole run is to be over. */
  readonly endsAt: number;
}

export async function runChecks(
  parts: readonly Part[],
  clock: Clock,
  tell: (outcome: Outcome) => void = () => {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let without: string | undefined;
  for (const part of parts) {
    let missing = without;
    for (const check of part.checks) {
      const outcome = await runCheck(check, missing, clock);
      outcomes.push(outcome);
      tell(outcome);
      if (outcome.outcome === 'failed' && check.isVital) missing = check.name;
    }
    if (part.isVital) without = missing;
  }
  return outcomes;
}

async function runCheck(
  { name: check, run }: Check,
  missing: string | undefined,
  { now, endsAt }: Clock,
): Promise<Outcome> {
  if (missing !== undefined) return { check, outcome: 'not tried', ms: 0, why: `after: ${missing}` };
  const startedAt = now();
  if (startedAt >= endsAt) return { check, outcome: 'not tried', ms: 0, why: 'out of time' };
  try {
    await within(endsAt - startedAt, run());
    return { check, outcome: 'ok', ms: now() - startedAt };
  } catch (error) {
    return { check, outcome: 'failed', ms: now() - startedAt, why: (error as Error).message };
  }
}

/** Bounded, whatever it waits for. */
export async function within<T>(ms: number, promise: Promise<T>, what = 'out of time'): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const failure = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what)), ms);
  });
  return Promise.race([promise, failure]).finally(() => clearTimeout(timer));
}

export function expectThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
