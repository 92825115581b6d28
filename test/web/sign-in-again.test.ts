// A sign-in that ends while one writes, in a real browser: after the next one everything is there.
import { expect, test } from 'vitest';
import { newUser } from '../client/devices.ts';
import { openChat, say, shows, startWorld } from './pages.ts';

const world = startWorld();

test('a sign-in that has ended is asked for again; what was sent meanwhile goes out, what was being written is there', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const { seen } = await world.devices.connect({ userId: ben });
  const context = await world.pages.browser();
  const page = await world.pages.open(context, ann);
  await openChat(page, ben);
  await say(page, 'one');
  await seen.until(() => seen.texts.length === 1, 'the first message');
  // Nobody has a token for this user any more.
  await context.route('**/dev/token*', (route) =>
    route.fulfill({ status: 200, contentType: 'application/json', body: '{"token":"over"}' }),
  );
  world.cloud.setFaults({ gateway: { disconnect: 1 } });
  await say(page, 'two');
  await page.getByText('Your sign-in has ended.').waitFor();
  world.cloud.clearFaults();
  await page.getByLabel('Write a message').fill('half a thought');
  await context.unroute('**/dev/token*');
  await page.getByLabel('Your name').fill(ben);
  await page.locator('.veil').getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.veil .problem').waitFor();
  await page.getByLabel('Your name').fill(ann);
  await page.locator('.veil').getByRole('button', { name: 'Sign in' }).click();
  await seen.until(() => seen.texts.includes('two'), 'the second message');
  await shows(page, ['one', 'two']);
  expect(seen.texts).toEqual(['one', 'two']);
  await expect
    .poll(() => page.getByLabel('Write a message').inputValue(), { timeout: 10_000 })
    .toBe('half a thought');
}, 90_000);
