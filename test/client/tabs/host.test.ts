// What a holder does of what it is asked, without a server.
import { expect, test } from 'vitest';
import { Host } from '../../../src/client/tabs/host.ts';
import { unconnected } from './unconnected.ts';

async function openHost(before: number) {
  const urls: string[] = [];
  const options = unconnected((url) => urls.push(url));
  return { host: await Host.open(options, { holder: before, lastKick: 0 }, () => {}), urls };
}

test.each([
  ['itself', undefined, false],
  ['itself, and not answered at first', 4, false],
  ['one before it', 3, true],
])('P7: to start, as %s was asked', async (_, first, goesOn) => {
  const { host, urls } = await openHost(3);
  expect(host.id).toBe(4);
  const call = { kind: 'call', id: 'start', action: 'start', takes: [], lastKick: 0 } as const;
  const answered = host.answer({ ...call, ...(first !== undefined && { first }) });
  await new Promise((resolve) => setImmediate(resolve));
  // Another device may have taken over since: the server tells, instead of giving the place back.
  expect(urls.map((url) => new URL(url).searchParams.has('resume'))).toEqual([goesOn]);
  await host.leave();
  await answered;
});
