// The web chat in a real browser, over the real local cloud: what people do with it, and what happens to them.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { bundleWeb } from '../../scripts/build-web.ts';
import { directId, newUser, range } from '../client/devices.ts';
import { TestBackend } from '../support/service.ts';
import { openChat, say, shows, startWorld, texts } from './pages.ts';

const world = startWorld({
  environment: { IM_SETTINGS: '{"sendsPerSecond":1000,"mediaMaxBytes":1000000}' },
});

/** Of the page, where these functions run. */
declare const document: {
  querySelector(selectors: string): { scrollTop: number; complete: boolean; naturalWidth: number } | null;
};

/** A page whose disk is full when we say so. */
interface FullPage {
  fullDisk: boolean;
  IDBObjectStore: { prototype: { put: (...parameters: unknown[]) => unknown } };
}

const browser = () => world.pages.browser();
const openPage = (context: BrowserContext, user: string) => world.pages.open(context, user);

test('two people sign in by name and talk: echo, ticks, unread, reply, reaction, edit, recall', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const first = await (await browser()).newPage();
  await first.goto(world.pages.address);
  await first.getByLabel('Your name').fill(ann);
  await first.getByRole('button', { name: 'Sign in' }).click();
  await first.waitForSelector('.side-head');
  const second = await openPage(await browser(), ben);
  await openChat(first, ben);
  await say(first, 'hello');
  await say(first, 'lunch?');
  await shows(first, ['hello', 'lunch?']);
  const row = second.getByRole('button', { name: new RegExp(`^${ann}.*2 unread`, 's') });
  await row.waitFor();
  await first.getByLabel('Sent').first().waitFor();
  await row.click();
  await shows(second, ['hello', 'lunch?']);
  await second.locator('.new-line').waitFor();
  await first.getByLabel('Read').first().waitFor();

  await first.getByText('online', { exact: true }).waitFor();
  await second.getByLabel('Write a message').pressSequentially('ye');
  await first.locator('.typing').waitFor();
  const asked = second.locator('.message').nth(1);
  await asked.hover();
  await asked.getByRole('button', { name: 'Reply' }).click();
  await say(second, 'yes');
  await shows(first, ['hello', 'lunch?', 'yes']);
  expect(await first.locator('.quote').textContent()).toContain('lunch?');
  await asked.hover();
  await asked.getByRole('button', { name: 'React' }).click();
  await asked.getByRole('button', { name: '👍' }).click();
  await expect.poll(() => first.locator('.chip').allTextContents(), { timeout: 15_000 }).toEqual(['👍 1']);

  await first.getByLabel('Write a message').focus();
  await first.keyboard.press('ArrowUp');
  await say(first, 'lunch at noon?');
  await shows(second, ['hello', 'lunch at noon? edited', 'yes']);
  const hello = first.locator('.message').first();
  await hello.hover();
  await hello.getByRole('button', { name: 'Take back' }).click();
  await second.getByText(`${ann} took back a message`).first().waitFor();
}, 90_000);

test('what is written offline is there after a reload, and goes out when there is a connection', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const { im, seen } = await world.devices.connect({ userId: ben });
  const context = await browser();
  const page = await openPage(context, ann);
  await openChat(page, ben);
  await say(page, 'one');
  await seen.until(() => seen.texts.length === 1, 'the first message');
  // The page is there; its server is not.
  await context.route('**/dev/token*', (route) => route.abort());
  world.cloud.setFaults({ gateway: { disconnect: 1 } });
  await say(page, 'two');
  await page
    .getByText('You are offline')
    .waitFor({ timeout: 20_000 })
    .catch(() => {});
  await shows(page, ['one', 'two']);
  await page.reload();
  await shows(page, ['one', 'two']);
  world.cloud.clearFaults();
  await context.unroute('**/dev/token*');
  await seen.until(() => seen.texts.length === 2, 'the second message');
  expect(seen.texts).toEqual(['one', 'two']);
  await im.conversation(`user:${ann}`).send('three').sent;
  await shows(page, ['one', 'two', 'three']);
}, 90_000);

test('a browser that keeps nothing (IndexedDB is blocked) chats all the same', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const { im, seen } = await world.devices.connect({ userId: ben });
  const context = await browser();
  await context.addInitScript(() => {
    Object.defineProperty(globalThis, 'indexedDB', {
      value: {
        open: () => {
          throw new DOMException('The user denied permission to access the database.', 'SecurityError');
        },
      },
    });
  });
  const page = await openPage(context, ann);
  await openChat(page, ben);
  await say(page, 'one');
  await seen.until(() => seen.texts.length === 1, 'the first message');
  await im.conversation(`user:${ann}`).send('two').sent;
  await shows(page, ['one', 'two']);
  expect(seen.texts).toContain('one');
}, 90_000);

test('a browser that is full shows what comes, and sends once there is room again', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const { im, seen } = await world.devices.connect({ userId: ben });
  const context = await browser();
  await context.addInitScript(() => {
    const { IDBObjectStore: stores } = globalThis as never as FullPage;
    const put = stores.prototype.put;
    stores.prototype.put = function (...parameters: unknown[]) {
      if ((globalThis as never as FullPage).fullDisk) throw new DOMException('full', 'QuotaExceededError');
      return put.apply(this, parameters);
    };
  });
  const page = await openPage(context, ann);
  await openChat(page, ben);
  await say(page, 'one');
  await seen.until(() => seen.texts.length === 1, 'the first message');
  const disk = (isFull: boolean) =>
    page.evaluate((full) => void ((globalThis as never as FullPage).fullDisk = full), isFull);
  await disk(true);
  await im.conversation(`user:${ann}`).send('two').sent;
  await world.cloud.settled();
  await disk(false);
  await im.conversation(`user:${ann}`).send('three').sent;
  await shows(page, ['one', 'two', 'three']);
  await say(page, 'four');
  await seen.until(() => seen.texts.includes('four'), 'what is sent after that');
  expect(await texts(page)).toEqual(['one', 'two', 'three', 'four']);
}, 90_000);

test('a second tab is the same device; another browser takes over, and is taken back', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  await world.devices.connect({ userId: ben });
  const context = await browser();
  const first = await openPage(context, ann);
  const second = await openPage(context, ann);
  await openChat(first, ben);
  await say(first, 'from the first tab');
  await second.getByRole('button', { name: new RegExp(`^${ben}`) }).click();
  await shows(second, ['from the first tab']);
  await say(second, 'from the second');
  await shows(first, ['from the first tab', 'from the second']);

  const elsewhere = await openPage(await browser(), ann);
  for (const page of [first, second]) await page.getByText('now in use on another device').waitFor();
  await first.getByRole('button', { name: 'Use here' }).click();
  await first.waitForSelector('.side-head');
  await elsewhere.getByText('now in use on another device').waitFor();
  await first.locator('.message').nth(1).waitFor();
  expect(await texts(first)).toEqual(['from the first tab', 'from the second']);
}, 90_000);

/** History that came with the user from another system. */
async function importNumbers(from: string, conversationId: string, count: number): Promise<void> {
  const backend = new TestBackend(world.cloud.service);
  for (let first = 1; first <= count; first += 25) {
    const messages = Array.from({ length: Math.min(25, count - first + 1) }, (_, index) => ({
      from,
      clientMsgId: `imported-${first + index}`,
      type: 'text',
      body: { text: `number ${first + index}` },
      serverTime: Date.UTC(2020, 0, 1) + (first + index) * 60_000,
    }));
    const answer = await backend.call('POST', '/v1/import', { conversationId, messages });
    expect(answer.status).toBe(200);
  }
}

test('five thousand messages scroll: only what is in sight is drawn, and nothing jumps', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const { im } = await world.devices.connect({ userId: ann });
  const group = await im.createGroup({ title: 'Long' });
  await importNumbers(ann, group.conversation.conversationId, 4_950);
  for (const n of range(50)) await group.conversation.send(`number ${4_950 + n}`).sent;
  await group.conversation.add([ben]);
  const page = await openPage(await browser(), ann);
  await page.getByRole('button', { name: /^Long/ }).click();
  const drawn = () => page.locator('.message').count();
  const sees = (n: number) => page.getByText(`number ${n}`, { exact: true }).waitFor();
  await sees(5_000);
  // What came one after the other while it was looked at is all there; anew, it begins with the newest.
  await page.reload();
  await sees(5_000);
  expect(await drawn()).toBeLessThan(60);
  const scrollTop = () => page.evaluate(() => document.querySelector('.timeline .scroll')!.scrollTop);
  /** At the end of all jumps. */
  const rests = async () => {
    let before = 0;
    const isSame = async () => {
      const last = before;
      before = await scrollTop();
      return before > 500 && before === last;
    };
    await expect.poll(isSame, { interval: 200, timeout: 15_000 }).toBe(true);
  };
  /** Upwards, until a page comes above: then what was at the top is further down. */
  const scrollUp = async () => {
    for (let before = Infinity; ;) {
      const now = await scrollTop();
      if (now > before) return;
      before = now;
      await page.mouse.wheel(0, -300);
      await page.waitForTimeout(50);
    }
  };
  await page.mouse.move(800, 300);
  for (const top of [4_951, 4_901, 4_851]) {
    await rests();
    await scrollUp();
    // It was the first, and stays in sight.
    await sees(top);
    expect(await drawn()).toBeLessThan(60);
  }
  await page.getByRole('button', { name: 'To the newest messages' }).click();
  await sees(5_000);
}, 120_000);

test('a telephone shows one thing at a time; a screen reader finds a name for all; both schemes are legible', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  await world.devices.connect({ userId: ben });
  const page = await openPage(await browser(), ann);
  await openChat(page, ben);
  await say(page, 'hello');
  await page.getByLabel('Sent').waitFor();
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe);
  const faults = async () =>
    page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: {
          run: () => Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
        };
      };
      const { violations } = await axe.run();
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
    });
  await page.getByRole('button', { name: 'Go to a date' }).click();
  await page.getByRole('button', { name: 'Details' }).click();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await faults()).toEqual([]);
  }
  await page.getByRole('button', { name: 'Close' }).click();
  await page.setViewportSize({ width: 390, height: 800 });
  expect(await page.locator('.side').isVisible()).toBe(false);
  expect(await faults()).toEqual([]);
  await page.getByRole('button', { name: 'Back', exact: true }).click();
  await page.locator('.side').waitFor();
  expect(await page.locator('.pane').isVisible()).toBe(false);
}, 60_000);

test('the keys: Ctrl+K finds, Alt+↓ goes to what is unread, Shift+Enter breaks, Esc closes', async () => {
  const [ann, ben, cem] = [newUser('ann'), newUser('ben'), newUser('cem')];
  const page = await openPage(await browser(), ann);
  for (const userId of [ben, cem]) {
    const { im } = await world.devices.connect({ userId });
    await im.send(`user:${ann}`, `from ${userId}`).sent;
  }
  await page.getByRole('button', { name: new RegExp(`^${cem}`) }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type(ben);
  await page.keyboard.press('Enter');
  await shows(page, [`from ${ben}`]);
  // What no name says is looked for in what was said.
  await page.getByLabel('Search conversations').fill(`from ${cem}`);
  await page.getByRole('button', { name: /^Search all messages/ }).click();
  await page.locator('.rows .row').getByText(`from ${cem}`).waitFor();
  await page.getByLabel('Search conversations').fill('');
  await page.keyboard.press('Alt+ArrowDown');
  await shows(page, [`from ${cem}`]);
  const field = page.getByLabel('Write a message');
  await field.click();
  await page.keyboard.type('two');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('lines');
  await page.keyboard.press('Enter');
  await shows(page, [`from ${cem}`, 'two\nlines']);
  await page.getByRole('button', { name: 'Details' }).click();
  await page.locator('.details').waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => page.locator('.details').count()).toBe(0);
}, 60_000);

test('files: a picture that is dropped has its place before it is there; others are links; what is taken back is not sent', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const [annContext, benContext] = [await browser(), await browser()];
  const [first, second] = [await openPage(annContext, ann), await openPage(benContext, ben)];
  await openChat(first, ben);
  await say(first, 'hello');
  await second.getByRole('button', { name: new RegExp(`^${ann}`) }).click();
  await shows(second, ['hello']);

  let load = () => {};
  const mayLoad = new Promise<void>((resolve) => (load = resolve));
  await benContext.route(/X-Amz-Signature/, async (route) => {
    await mayLoad;
    await route.continue();
  });
  const dropped = await first.evaluateHandle(async () => {
    const page = globalThis as unknown as {
      OffscreenCanvas: new (
        width: number,
        height: number,
      ) => {
        getContext(kind: '2d'): { fillRect(...of: number[]): void };
        convertToBlob(): Promise<Blob>;
      };
      DataTransfer: new () => { items: { add(file: File): void } };
    };
    const canvas = new page.OffscreenCanvas(600, 400);
    canvas.getContext('2d').fillRect(0, 0, 300, 200);
    const transfer = new page.DataTransfer();
    transfer.items.add(new File([await canvas.convertToBlob()], 'square.png', { type: 'image/png' }));
    return transfer;
  });
  await first.dispatchEvent('section.pane', 'drop', { dataTransfer: dropped });
  const place = second.locator('.picture .place');
  await place.waitFor();
  const isLoaded = () => second.evaluate(() => document.querySelector('.picture img')?.complete === true);
  const box = async () => {
    const { width, height } = (await place.boundingBox())!;
    return [width, height];
  };
  expect([await box(), await isLoaded()]).toEqual([[360, 240], false]);
  load();
  await expect.poll(isLoaded, { timeout: 15_000 }).toBe(true);
  const natural = () => document.querySelector('.picture img')?.naturalWidth;
  expect([await box(), await second.evaluate(natural)]).toEqual([[360, 240], 600]);
  await expect.poll(() => first.evaluate(natural), { timeout: 15_000 }).toBe(600);

  // From a tab that is not the one that is connected.
  const standby = await openPage(annContext, ann);
  await standby.getByRole('button', { name: new RegExp(`^${ben}`) }).click();
  const file = (name: string, content: string) => ({
    name,
    mimeType: 'text/plain',
    buffer: Buffer.from(content),
  });
  const chooser = (page: Page) => page.locator('input[type=file]');
  await chooser(standby).setInputFiles([file('notes.txt', 'milk'), file('more.txt', 'bread')]);
  const link = second.getByRole('link', { name: 'notes.txt' });
  await second.getByRole('link', { name: 'more.txt' }).waitFor();
  const [download] = await Promise.all([second.waitForEvent('download'), link.click()]);
  expect(download.suggestedFilename()).toBe('notes.txt');
  expect(await readFile(await download.path(), 'utf8')).toBe('milk');

  const uploads = first.getByRole('list', { name: 'Files on their way' });
  await chooser(first).setInputFiles(file('huge.txt', 'x'.repeat(1_000_001)));
  await uploads.getByText('It is too large.').waitFor();
  await uploads.getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => uploads.count()).toBe(0);
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  await annContext.route(/X-Amz-Signature/, async (route) => {
    await ended;
    await route.abort();
  });
  await chooser(first).setInputFiles(file('secret.txt', 'no!'));
  await first.getByRole('progressbar', { name: 'secret.txt' }).waitFor();
  await uploads.getByRole('button', { name: 'Cancel' }).click();
  await expect.poll(() => uploads.count()).toBe(0);
  end();
  await say(first, 'not that');
  await shows(second, ['hello', 'not that']);
  expect(await second.getByText('secret.txt').count()).toBe(0);

  const { im } = await world.devices.connect({ userId: ann, platform: 'bot' });
  const url = `media:c/${directId(ann, ben)}/nowhere`;
  await im.send(`user:${ben}`, { type: 'image', body: { url, name: 'lost.png' } }).sent;
  await second.getByText('This file is not there any more.').waitFor();
}, 90_000);

test('the whole of it is at most 120 KB, gzipped', async () => {
  const files = await bundleWeb();
  const sizes = Object.values(files).map((content) => gzipSync(content).length);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(120 * 1024);
});
