// Notifications of the web chat, in a real browser: who wants them is told of what comes while they do not look.
import { expect, test } from 'vitest';
import { newUser } from '../client/devices.ts';
import { openChat, say, shows, startWorld } from './pages.ts';

const world = startWorld();

/** Of the page: what it told, and whether somebody looks at it. */
interface Told {
  told: { title: string; body: string; tag: string; click: () => void }[];
  asked: number;
  isLooking: boolean;
}

test('who wants them is told what comes while they look elsewhere: by their click, through a mute if mentioned, once for each', async () => {
  const [ann, ben, cem] = [newUser('ann'), newUser('ben'), newUser('cem')];
  const { im } = await world.devices.connect({ userId: ben });
  const other = await world.devices.connect({ userId: cem });
  const context = await world.pages.browser();
  // A browser without a screen shows none: this one notes them.
  await context.addInitScript(() => {
    const page = globalThis as unknown as Told & {
      Notification: unknown;
      document: { hasFocus: () => boolean };
      localStorage: { getItem(name: string): string | null };
    };
    Object.assign(page, { told: [], asked: 0, isLooking: true });
    page.document.hasFocus = () => page.isLooking;
    page.Notification = class extends EventTarget {
      static permission = page.localStorage.getItem('im-chat-notifications') ? 'granted' : 'default';
      static async requestPermission() {
        page.asked++;
        this.permission = 'granted';
        return 'granted';
      }
      constructor(title: string, { body, tag }: { body: string; tag: string }) {
        super();
        page.told.push({ title, body, tag, click: () => this.dispatchEvent(new Event('click')) });
      }
      close() {}
    };
  });
  const page = await world.pages.open(context, ann);
  const told = () =>
    page.evaluate(() => (globalThis as unknown as Told).told.map(({ title, body }) => `${title} | ${body}`));
  const look = (isLooking: boolean) =>
    page.evaluate((now) => void ((globalThis as unknown as Told).isLooking = now), isLooking);
  const write = async (text: string, options = {}) => im.conversation(`user:${ann}`).send(text, options).sent;
  await openChat(page, cem);
  await look(false);
  await write('not wanted');
  await page.getByRole('button', { name: new RegExp(`^${ben}.*1 unread`, 's') }).waitFor();
  expect(await told()).toEqual([]);

  const bell = page.getByRole('button', { name: 'Notifications' });
  await bell.click();
  await expect.poll(() => bell.getAttribute('aria-pressed')).toBe('true');
  expect(await page.evaluate(() => (globalThis as unknown as Told).asked)).toBe(1);
  await write('lunch?');
  await expect.poll(told).toEqual([`${ben} | lunch?`]);
  // What is in sight, what one wrote, and what comes while one looks, is not told.
  await other.im.conversation(`user:${ann}`).send('you see this').sent;
  await say(page, 'from here');
  await shows(page, ['you see this', 'from here']);
  await look(true);
  await write('you look');
  await page.getByRole('button', { name: new RegExp(`^${ben}.*3 unread`, 's') }).waitFor();
  await look(false);
  await write('quietly', { silent: true });

  const tags = await page.evaluate(() => (globalThis as unknown as Told).told.map(({ tag }) => tag));
  expect(tags).toEqual([im.conversation(`user:${ann}`).conversationId]);
  await page.evaluate(() => (globalThis as unknown as Told).told[0]!.click());
  await page.getByText('you look').last().waitFor();
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('button', { name: 'Mute' }).click();
  await page.getByRole('button', { name: 'Unmute' }).waitFor();
  await page.getByRole('button', { name: new RegExp(`^${cem}`) }).click();
  await write('muted');
  await write('for you', { mentions: [ann] });
  await expect.poll(told).toEqual([`${ben} | lunch?`, `${ben} | for you`]);

  // It is remembered, until it is taken back.
  await page.reload();
  await expect.poll(() => bell.getAttribute('aria-pressed')).toBe('true');
  await look(false);
  await bell.click();
  await expect.poll(() => bell.getAttribute('aria-pressed')).toBe('false');
  await write('over', { mentions: [ann] });
  await page.locator('.rows').getByText('over', { exact: true }).waitFor();
  expect(await told()).toEqual([]);
}, 90_000);
