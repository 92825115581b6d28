// Going to one message in the web chat, in a real browser: to what a search found, and to what a reply answers.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { newUser, range } from '../client/devices.ts';
import { TestBackend } from '../support/service.ts';
import { openChat, startWorld } from './pages.ts';

const world = startWorld();

/** Of the page, where this runs. */
declare const getComputedStyle: (element: unknown) => { readonly animationTimingFunction: string };

/** Some pages of messages, of which one says something else. */
async function importWithNeedle(from: string, conversationId: string): Promise<void> {
  const backend = new TestBackend(world.cloud.service);
  const at = Date.UTC(2020, 0, 1);
  for (let start = 0; start < 250; start += 25) {
    const messages = range(25).map((n) => ({
      from,
      clientMsgId: `imported-${start + n}`,
      type: 'text',
      body: { text: start + n === 80 ? 'the needle' : `straw ${start + n}` },
      serverTime: at + (start + n) * 60_000,
    }));
    const { status } = await backend.call('POST', '/v1/import', { conversationId, messages });
    expect(status).toBe(200);
  }
}

/** How far the middle of what says that is from the middle of the timeline, in its heights; `undefined`: not there. */
async function offCentre(page: Page, text: string): Promise<number | undefined> {
  const said = page.locator('.message .text').getByText(text, { exact: true });
  const [box, timeline] = [
    await said.boundingBox({ timeout: 1_000 }).catch(() => null),
    await page.locator('.timeline').boundingBox(),
  ];
  if (!box || !timeline) return undefined;
  return Math.abs(box.y + box.height / 2 - timeline.y - timeline.height / 2) / timeline.height;
}

async function isCentred(page: Page, text: string): Promise<void> {
  await expect.poll(() => offCentre(page, text), { timeout: 15_000 }).toBeLessThan(0.1);
}

const marked = (page: Page) => page.locator('.message.is-marked');

test('a hit opens the conversation at its message, marked for a moment, with what surrounds it; so does a quote', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const { im } = await world.devices.connect({ userId: ann });
  const { conversation } = await im.createGroup({ title: 'Long' });
  await importWithNeedle(ann, conversation.conversationId);
  const { hits } = await im.search('straw 20');
  const early = hits.find(({ body }) => body['text'] === 'straw 20')!;
  await conversation.send('as was said', { replyTo: early.seq }).sent;

  const page = await world.pages.open(await world.pages.browser(), ann);
  await openChat(page, ben);
  await page.getByLabel('Search conversations').fill('needle');
  await page.getByRole('button', { name: 'Search all messages for “needle”' }).click();
  const hit = page.getByRole('button', { name: /the needle/ });
  await hit.focus();
  await page.keyboard.press('Enter');
  expect(await marked(page).locator('.text').textContent()).toBe('the needle');
  await isCentred(page, 'the needle');
  await page.getByText('straw 79', { exact: true }).waitFor();
  await page.getByText('straw 81', { exact: true }).waitFor();
  expect(await page.getByText('straw 250', { exact: true }).count()).toBe(0);
  await expect.poll(() => marked(page).count(), { timeout: 10_000 }).toBe(0);

  // What is answered is loaded no more than the hit was.
  await page.getByRole('button', { name: 'To the newest messages' }).click();
  await page.locator('.quote').click();
  expect(await marked(page).locator('.text').textContent()).toBe('straw 20');
  await isCentred(page, 'straw 20');

  // The same hit once more, where nothing is to move.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await hit.click();
  const timing = await marked(page).evaluate((row) => getComputedStyle(row).animationTimingFunction);
  expect(timing).toMatch(/^step/);
  await isCentred(page, 'the needle');
  await expect.poll(() => marked(page).count(), { timeout: 10_000 }).toBe(0);
}, 90_000);

test('at the last messages, a hit stays in sight while others come after it, until somebody goes on from there', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const [hers, his] = [
    await world.devices.connect({ userId: ann }),
    await world.devices.connect({ userId: ben }),
  ];
  for (const n of range(40)) await his.im.send(`user:${ann}`, n === 39 ? 'the needle' : `straw ${n}`).sent;

  const page = await world.pages.open(await world.pages.browser(), ann);
  // What is searched are the conversations that this device knows by now.
  await page.locator('.side').getByText('straw 40').waitFor();
  await page.getByLabel('Search conversations').fill('needle');
  await page.getByRole('button', { name: 'Search all messages for “needle”' }).click();
  await page.getByRole('button', { name: /the needle/ }).click();
  await marked(page).waitFor();
  await page.getByLabel('Search conversations').fill('');
  for (const n of range(40)) await his.im.send(`user:${ann}`, `more ${n}`).sent;
  // Of her, from another device.
  await hers.im.send(`user:${ben}`, 'from elsewhere').sent;
  await page.locator('.side').getByText('from elsewhere').waitFor();
  expect(await offCentre(page, 'the needle')).toBeLessThan(0.5);

  await page.getByRole('button', { name: 'To the newest messages' }).click();
  await page.locator('.message .text').getByText('from elsewhere', { exact: true }).waitFor();
  await his.im.send(`user:${ann}`, 'the last').sent;
  await page.locator('.message .text').getByText('the last', { exact: true }).waitFor();
}, 90_000);
