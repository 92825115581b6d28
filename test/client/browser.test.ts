// The SDK in a real browser: its size, IndexedDB, and a conversation with the local cloud.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Change, KeyRange, Storage, StoredEntry } from '../../src/client/storage/storage.ts';
import { launchChromium } from '../support/chromium.ts';
import { startCloud } from '../support/cloud.ts';
import { bundleForBrowsers, laterIsApart } from './bundle.ts';
import { closeWhenSettled, Devices, directId } from './devices.ts';
import { storageContract } from './storage/contract.ts';

test('what is loaded at first, without storage adapters, has at most 18 KB, gzipped', async () => {
  const without = { external: ['./storage/*'], plugins: [laterIsApart] };
  const bundle = await bundleForBrowsers("export { ImClient } from './im-client.ts';", without);
  const sizeBytes = gzipSync(bundle).length;
  expect(sizeBytes).toBeLessThanOrEqual(18 * 1024);
  // What it is made of, and not by chance empty.
  expect(bundle).toContain('im.v1');
  expect(sizeBytes).toBeGreaterThan(4 * 1024);
});

const pageSource = `<!doctype html><title>SDK</title><script type="module">
  import * as sdk from '/sdk.js';
  globalThis.hands = { sdk, storages: new Map() };
</script>`;

/** What the page has in its hands. */
interface Hands {
  storages: Map<string, Storage>;
  sdk: typeof import('../../src/client/im-client.ts') & {
    IndexedDbStorage: { open(name: string): Promise<Storage> };
  };
}
declare const hands: Hands;

describe('in Chromium', () => {
  let context: BrowserContext;
  let server: Server;
  let page: Page;
  let origin: string;

  beforeAll(async () => {
    const bundle = await bundleForBrowsers(`
      export { ImClient } from './im-client.ts';
      export { IndexedDbStorage } from './storage/indexed-db.ts';`);
    server = createServer((request, response) => {
      const isModule = request.url === '/sdk.js';
      response.setHeader('content-type', isModule ? 'text/javascript' : 'text/html');
      response.end(isModule ? bundle : pageSource);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    context = await launchChromium();
    page = await openPage();
  }, 120_000);

  afterAll(async () => {
    await context?.close();
    server?.close();
    server?.closeAllConnections();
  });

  async function openPage(): Promise<Page> {
    const opened = await context.newPage();
    await opened.goto(origin);
    return opened;
  }

  describe('IndexedDB storage', () => {
    storageContract({ open: (name) => openInPage(page, name), durable: true }, 10);

    test('is open in one tab at a time; a tab that is gone holds nothing', async () => {
      const first = await openPage();
      await openInPage(first, 'shared');
      await expect(openInPage(page, 'shared')).rejects.toThrow('open in another tab');
      await first.close();
      await openWhenFree(page, 'shared');
    });

    test('a page that is gone leaves what was committed, and nothing half', async () => {
      const first = await openPage();
      const storage = await openInPage(first, 'abandoned');
      await storage.commit([
        { key: 'a', value: 1 },
        { key: 'b', value: 1 },
      ]);
      // Under way when the page goes: there or not, but both or none.
      const under = storage.commit([
        { key: 'a', value: 2 },
        { key: 'b', value: 2 },
      ]);
      under.catch(() => {});
      await first.close();
      const entries = await (await openWhenFree(page, 'abandoned')).list({ from: 'a', to: 'b' });
      expect(entries.map(({ key }) => key)).toEqual(['a', 'b']);
      expect(entries[0]!.value).toBe(entries[1]!.value);
    });
  });

  test('bob’s browser talks with alice, is reloaded, and shows nothing twice', async () => {
    const cloud = await startCloud({ environment: { ALLOWED_ORIGINS: origin } });
    const devices = new Devices(cloud);
    try {
      const alice = await devices.connect({ userId: 'alice' });
      const token = await cloud.issueToken('bob');
      const conversationId = directId('alice', 'bob');
      /** Connects, and waits until so many messages were shown; returns what was drawn first, and what was shown. */
      const visit = (visited: Page, count: number) =>
        visited.evaluate(
          async (options) => {
            const shown: unknown[] = [];
            const storage = await hands.sdk.IndexedDbStorage.open('bob');
            let enough = () => {};
            const seen = new Promise<void>((resolve) => (enough = resolve));
            const client = await hands.sdk.ImClient.open({
              url: options.url,
              token: async () => options.token,
              platform: 'web',
              storage,
              on: {
                message: ({ message }) => {
                  if (shown.push(message.body['text']) === options.count) enough();
                },
              },
            });
            const drawn = await client.conversation(options.conversationId).messages();
            await client.start();
            const reply = await client.send('user:alice', `reply after ${drawn.length}`).sent;
            await seen;
            return {
              drawn: drawn.map(({ body }) => body['text']),
              shown,
              reply: reply.seq,
              deviceId: client.deviceId,
            };
          },
          { url: `${cloud.url}/dev`, token, conversationId, count },
        );
      const first = await openPage();
      // Bob has to be there before he can be written to.
      const registered = await devices.connect({ userId: 'bob', platform: 'bot' });
      await alice.im.send('user:bob', 'hello').sent;
      await registered.seen.until(() => registered.seen.messages.length === 1, 'the first message');
      expect(await visit(first, 2)).toMatchObject({ drawn: [], shown: ['hello', 'reply after 0'], reply: 2 });
      await first.close();
      await alice.im.send('user:bob', 'still there?').sent;
      await cloud.settled();

      const second = await openPage();
      expect(await visit(second, 2)).toMatchObject({
        drawn: ['hello', 'reply after 0'],
        shown: ['still there?', 'reply after 2'],
        reply: 4,
      });
      await second.close();
    } finally {
      await devices.close();
      await closeWhenSettled(cloud);
    }
  }, 60_000);
});

/** Chromium lets go of a closed page's lock when it has taken the page down. */
function openWhenFree(page: Page, name: string): Promise<Storage> {
  return vi.waitFor(() => openInPage(page, name), { timeout: 10_000, interval: 50 });
}

/** A storage in a page, from here. */
async function openInPage(page: Page, name: string): Promise<Storage> {
  await page.evaluate(
    async (named) => hands.storages.set(named, await hands.sdk.IndexedDbStorage.open(named)),
    name,
  );
  return {
    list: (range: KeyRange): Promise<StoredEntry[]> =>
      page.evaluate(([named, wanted]) => hands.storages.get(named)!.list(wanted), [name, range] as const),
    async commit(changes: readonly Change[]): Promise<void> {
      // Undefined does not travel; JSON text does, and keeps odd keys and numbers as they are.
      const removals = changes.map(({ value }) => value === undefined);
      const text = JSON.stringify(changes);
      await page.evaluate(
        async ([named, json, removed]) => {
          const parsed = JSON.parse(json) as { key: string; value?: unknown }[];
          const list = parsed.map(({ key, value }, index) => ({
            key,
            value: removed[index] ? undefined : value,
          }));
          await hands.storages.get(named)!.commit(list);
        },
        [name, text, removals] as const,
      );
    },
    close: () => page.evaluate((named) => hands.storages.get(named)!.close(), name),
  };
}
