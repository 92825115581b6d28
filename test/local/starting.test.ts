// Between the moment that the port is open and the one that all is there: nobody who comes then waits for ever.
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { findFreePort } from '../../local/dynamodb/engines/child-process.ts';
import { startCloud } from '../support/cloud.ts';

test('requests and handshakes that come too early are put off, and then it is there', async () => {
  const port = await findFreePort();
  const starting = startCloud({ port });
  const url = `http://127.0.0.1:${port}/dev`;
  const early = await firstAnswer(url);
  const handshake = new WebSocket(`ws://127.0.0.1:${port}/dev`);
  const [refusal] = (await once(handshake, 'error')) as [Error];
  const cloud = await starting;
  try {
    expect(early.status).toBe(503);
    expect(early.headers.get('retry-after')).toBe('1');
    expect(await early.text()).toMatch(/starting/);
    // Still too early, or there by now, and it has no token: answered in any case.
    expect(refusal.message).toMatch(/Unexpected server response: (401|503)/);
    expect((await fetch(url)).status).not.toBe(503);
  } finally {
    await cloud.close();
  }
});

/** As soon as the port is open. */
async function firstAnswer(url: string): Promise<Response> {
  for (;;) {
    try {
      return await fetch(url, { signal: AbortSignal.timeout(10_000) });
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') throw error;
    }
  }
}
