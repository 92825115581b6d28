// Draws docs/chat.png, the first picture of the README: two people in the web chat of a local cloud that runs already.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { launchChromium } from '../test/support/chromium.ts';

const address = process.argv[2] ?? 'http://127.0.0.1:4000';
const target = fileURLToPath(new URL('../docs/chat.png', import.meta.url));
const sizes = { alice: { width: 940, height: 600 }, bob: { width: 390, height: 600 } } as const;

async function open(user: keyof typeof sizes): Promise<{ context: BrowserContext; page: Page }> {
  const context = await launchChromium();
  const page = await context.newPage();
  await page.setViewportSize(sizes[user]);
  await page.goto(`${address}/chat/?user=${user}`);
  await page.waitForSelector('.side-head');
  return { context, page };
}

async function say(page: Page, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    await page.getByLabel('Write a message').fill(text);
    await page.keyboard.press('Enter');
    await page.getByText(text, { exact: true }).first().waitFor();
  }
}

const [bob, alice] = [await open('bob'), await open('alice')];
await alice.page.getByRole('button', { name: 'New conversation' }).click();
await alice.page.getByLabel('With whom?').fill('bob');
await alice.page.keyboard.press('Enter');
await say(alice.page, 'hello bob', 'lunch at noon?');
await bob.page.getByRole('button', { name: /^alice/ }).click();
const asked = bob.page.locator('.message').nth(1);
await asked.hover();
await asked.getByRole('button', { name: 'Reply' }).click();
await say(bob.page, 'gladly – the usual place?');
await alice.page.locator('.message').getByText('gladly', { exact: false }).waitFor();
await say(alice.page, 'yes. I bring the plans');
// Who has just sent something is not said to write again at once.
await bob.page.waitForTimeout(3_500);
await bob.page.getByLabel('Write a message').pressSequentially('great, ');
await alice.page.locator('.typing').waitFor();
await alice.page.getByLabel('Read').last().waitFor();

const pictures = [await alice.page.screenshot(), await bob.page.screenshot()];
const board = await alice.context.newPage();
await board.setViewportSize({ width: sizes.alice.width + sizes.bob.width + 72, height: 648 });
const folder = await mkdtemp(join(tmpdir(), 'picture-'));
const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture.toString('base64')}">`);
const style =
  'body{margin:24px;display:flex;gap:24px;background:#dfe5ea}img{border-radius:12px;box-shadow:0 2px 12px #0003}';
await writeFile(join(folder, 'board.html'), `<style>${style}</style>${images.join('')}`);
await board.goto(`file://${folder}/board.html`);
await board.screenshot({ path: target });
await rm(folder, { recursive: true });
await Promise.all([alice, bob].map(({ context }) => context.close()));
process.stdout.write(`${target}\n`);
