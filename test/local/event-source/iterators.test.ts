// Iterators last fifteen minutes: a laptop that slept wakes up with ones that have expired.
import { afterEach, expect, it, vi } from 'vitest';
import { EngineClient, type EngineAnswer } from '../../../local/dynamodb/engines/client.ts';
import { setUp, succeed } from './setup.ts';

afterEach(() => vi.restoreAllMocks());

const expired: EngineAnswer = {
  status: 400,
  body: '{"__type":"com.amazonaws.dynamodb.v20120810#ExpiredIteratorException"}',
};

it('an iterator that expired is opened anew behind what was read: each record comes once, and in order', async () => {
  const forward: EngineClient['forward'] = Reflect.get(EngineClient.prototype, 'forward');
  let reads = 0;
  vi.spyOn(EngineClient.prototype, 'forward').mockImplementation(async function (
    this: EngineClient,
    target: string,
    body: string,
  ) {
    if (target.endsWith('.GetRecords') && ++reads % 2 === 0) return expired;
    return forward.call(this, target, body);
  });
  const { put, sources, batches } = await setUp(succeed);
  for (let n = 1; n <= 12; n++) {
    await put(n);
    await sources.settled();
  }
  expect(batches.flat()).toEqual(Array.from({ length: 12 }, (_, index) => String(index + 1)));
  expect(reads).toBeGreaterThan(12);
});
