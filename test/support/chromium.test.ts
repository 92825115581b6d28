// Which browser the tests get, and that it has what a web client stands on.
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, launchChromium } from './chromium.ts';

describe('the browser is', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
    for (const name of ['chosen', 'google-chrome']) {
      await writeFile(join(directory, name), '');
      await chmod(join(directory, name), 0o755);
    }
  });
  afterAll(() => rm(directory, { recursive: true }));

  test('the one that CHROME_PATH names, whatever is installed', async () => {
    const chosen = join(directory, 'chosen');
    expect(await findChromium({ CHROME_PATH: chosen, PATH: directory })).toEqual({
      executablePath: chosen,
      variables: {},
    });
  });

  test('not another one when CHROME_PATH names none', async () => {
    const chosen = join(directory, 'missing');
    await expect(findChromium({ CHROME_PATH: chosen, PATH: directory })).rejects.toThrow(chosen);
  });

  test('else one in PATH', async () => {
    const { executablePath } = await findChromium({ PATH: `/nowhere:${directory}` });
    expect(executablePath).toBe(join(directory, 'google-chrome'));
  });
});

test('two of its tabs share IndexedDB, Web Locks and BroadcastChannel', async () => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<title>Tab</title>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const browser = await launchChromium();
  try {
    const openTab = async () => {
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      return tab;
    };
    const [first, second] = [await openTab(), await openTab()];
    // Programs as text: they are of the browser, whose types tests do not have.
    await first.evaluate(`new Promise((resolve) => {
      globalThis.heard = new Promise((hear) => {
        globalThis.channel = new BroadcastChannel('tabs');
        channel.onmessage = ({ data }) => hear(data);
      });
      const opening = indexedDB.open('tabs');
      opening.onupgradeneeded = () => opening.result.createObjectStore('notes').put('kept', 'note');
      opening.onsuccess = () => navigator.locks.request('tabs', () => (resolve(), new Promise(() => {})));
    })`);
    const seen = await second.evaluate(`new Promise((resolve) => {
      new BroadcastChannel('tabs').postMessage('hello');
      const opening = indexedDB.open('tabs');
      opening.onsuccess = () => {
        const reading = opening.result.transaction('notes').objectStore('notes').get('note');
        reading.onsuccess = async () => {
          const free = await navigator.locks.request('tabs', { ifAvailable: true }, (lock) => lock !== null);
          resolve({ note: reading.result, free });
        };
      };
    })`);
    expect(seen).toEqual({ note: 'kept', free: false });
    expect(await first.evaluate('heard')).toBe('hello');
  } finally {
    await browser.close();
    server.close();
  }
});
