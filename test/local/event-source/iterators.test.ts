// Iterators last fifteen minutes: a laptop that slept wakes up with ones that have expired.
import { afterEach, expect, it, vi } from 'vitest';
import { EngineClient, EngineError, type EngineAnswer } from '../../../local/dynamodb/engines/client.ts';
import { setUp, succeed } from './setup.ts';

afterEach(() => vi.restoreAllMocks());

it('an iterator that expired is opened anew behind what was read: each record comes once, and in order', async () => {
  const call = EngineClient.prototype.call;
  let reads = 0;
  let expired = 0;
  vi.spyOn(EngineClient.prototype, 'call').mockImplementation(async function (
    this: EngineClient,
    operation: string,
    input: object,
  ) {
    if (operation === 'GetRecords' && ++reads % 2 === 0) {
      expired++;
      const __type = 'com.amazonaws.dynamodb.v20120810#ExpiredIteratorException';
      throw new EngineError(operation, { status: 400, body: JSON.stringify({ __type }) } as EngineAnswer);
    }
    return call.call(this, operation, input);
  } as typeof call);
  const { put, sources, batches } = await setUp(succeed);
  for (let n = 1; n <= 12; n++) {
    await put(n);
    await sources.settled();
  }
  expect(batches.flat()).toEqual(Array.from({ length: 12 }, (_, index) => String(index + 1)));
  expect(expired).toBeGreaterThan(5);
});
