// The throttles of the stage: a token bucket a route, as API Gateway has them
// (docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html).
import type { RouteModel, ThrottleModel } from '../model.ts';

export interface Throttling {
  /** Takes a token; false: there is none. */
  admits(route: RouteModel): boolean;
}

export const unthrottled: Throttling = { admits: () => true };

export function createThrottling(now: () => number = () => performance.now()): Throttling {
  const buckets = new Map<string, TokenBucket>();
  return {
    admits({ routeKey, throttle }) {
      if (!throttle) return true;
      let bucket = buckets.get(routeKey);
      if (!bucket) buckets.set(routeKey, (bucket = new TokenBucket(throttle, now)));
      return bucket.take();
    },
  };
}

class TokenBucket {
  private readonly throttle: ThrottleModel;
  private readonly now: () => number;
  private tokens: number;
  private filledAt: number;

  constructor(throttle: ThrottleModel, now: () => number) {
    this.throttle = throttle;
    this.now = now;
    this.tokens = throttle.burstLimit;
    this.filledAt = now();
  }

  take(): boolean {
    const { ratePerSecond, burstLimit } = this.throttle;
    const at = this.now();
    this.tokens = Math.min(burstLimit, this.tokens + ((at - this.filledAt) / 1000) * ratePerSecond);
    this.filledAt = at;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
