// Going to a date in the web chat, in a real browser: by keys alone, and back to what is new.
import { expect, test } from 'vitest';
import { newUser, range } from '../client/devices.ts';
import { TestBackend } from '../support/service.ts';
import { startWorld } from './pages.ts';

const world = startWorld();

/** Ten messages a day, at noon, of all days of 2020’s first three months but those of February. */
async function importQuarter(from: string, conversationId: string): Promise<void> {
  const backend = new TestBackend(world.cloud.service);
  for (const day of range(91)) {
    const at = Date.UTC(2020, 0, day, 12);
    if (new Date(at).getUTCMonth() === 1) continue;
    const messages = range(10).map((n) => ({
      from,
      clientMsgId: `imported-${day}-${n}`,
      type: 'text',
      body: { text: `${new Date(at).toISOString().slice(0, 10)} number ${n}` },
      serverTime: at + n * 60_000,
    }));
    const { status } = await backend.call('POST', '/v1/import', { conversationId, messages });
    expect(status).toBe(200);
  }
}

test('a day is gone to by keys, or the next one after it; from there one scrolls both ways, and back to what is new', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const { im } = await world.devices.connect({ userId: ann });
  const { conversation } = await im.createGroup({ title: 'Long' });
  await importQuarter(ann, conversation.conversationId);
  const other = await world.devices.connect({ userId: ben });
  await conversation.add([ben]);
  const say = (text: string) => other.im.conversation(conversation.conversationId).send(text).sent;
  const { seq } = await conversation.send('welcome').sent;
  expect(seq).toBeGreaterThan(600);
  const page = await world.pages.open(await world.pages.browser(), ann);
  await page.getByRole('button', { name: /^Long/ }).click();
  await page.getByText('welcome', { exact: true }).last().waitFor();
  const goTo = async (month: string, day: string) => {
    await page.getByRole('button', { name: 'Go to a date' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type(`${month}${day}2020`);
    await page.keyboard.press('Enter');
  };
  const firstSeen = async () => {
    const top = (await page.locator('.timeline').boundingBox())!.y;
    for (const text of await page.locator('.message .text').all()) {
      const box = await text.boundingBox();
      if (box && box.y >= top) return text.textContent();
    }
    return undefined;
  };
  await goTo('01', '20');
  await expect.poll(firstSeen, { timeout: 15_000 }).toBe('2020-01-20 number 1');
  // Nothing was said in February.
  await goTo('02', '03');
  await expect.poll(firstSeen, { timeout: 15_000 }).toBe('2020-03-01 number 1');

  // The focus is in the timeline: its keys scroll it.
  await page.keyboard.press('PageUp');
  await page.getByText('2020-01-31 number 10').waitFor();
  const last = page.getByText('welcome', { exact: true }).last();
  for (let tries = 0; tries < 200 && !(await last.isVisible()); tries++) {
    await page.keyboard.press('End');
    await page.waitForTimeout(50);
  }
  await say('and hello');
  await page.getByText('and hello', { exact: true }).last().waitFor();

  await goTo('01', '02');
  await expect.poll(firstSeen, { timeout: 15_000 }).toBe('2020-01-02 number 1');
  await say('not in sight');
  await page.getByRole('button', { name: 'To the newest messages' }).click();
  await page.locator('.message').getByText('not in sight').waitFor();
  // After the last.
  await page.getByRole('button', { name: 'Go to a date' }).click();
  await page.getByLabel('Go to a date').last().fill('2999-01-01');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText('Nothing found').waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => page.locator('.jump').count()).toBe(0);
}, 120_000);
