// What a holder does of what it is asked, without a server: its connection never opens.
import { expect, test } from 'vitest';
import type { WebSocketLike } from '../../../src/client/environment.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import { Host } from '../../../src/client/tabs/host.ts';

async function openHost(before: number) {
  const urls: string[] = [];
  const host = await Host.open(
    {
      url: 'ws://nowhere.example',
      token: `e30.${btoa('{"sub":"alice"}')}.e30`,
      platform: 'web',
      storage: new MemoryStorage(),
      webSocket: class implements WebSocketLike {
        constructor(url: string) {
          urls.push(url);
        }
        addEventListener() {}
        send() {}
        close() {}
      },
    },
    { holder: before, lastKick: 0 },
    () => {},
  );
  return { host, urls };
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
