// The developer page, in a real browser on a real cloud.
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Cloud } from '../../../local/cloud.ts';
import type { DevState } from '../../../local/dev/state.ts';
import { launchChromium } from '../../support/chromium.ts';
import { connect, refusal } from '../../support/client.ts';
import { scan, startCloud } from '../../support/cloud.ts';

let cloud: Cloud;
let browser: BrowserContext;
let page: Page;
/** What the page wrote to the console, and what it asked for elsewhere: nothing, after each test. */
const problems: string[] = [];

beforeAll(async () => {
  cloud = await startCloud();
  browser = await launchChromium({ permissions: ['clipboard-read', 'clipboard-write'] });
  page = browser.pages()[0]!;
  page.setDefaultTimeout(15_000);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== cloud.httpUrl) problems.push(`asked for ${request.url()}`);
  });
});

afterAll(async () => {
  await browser?.close();
  await cloud?.close();
});

beforeEach(async () => {
  cloud.clearFaults();
  cloud.resetMetrics();
  await page.goto(`${cloud.httpUrl}/dev/`);
});

afterEach(() => {
  expect(problems.splice(0)).toEqual([]);
});

const row = (table: string, ...texts: string[]) =>
  texts.reduce(
    (rows, hasText) => rows.filter({ hasText }),
    page.getByRole('table', { name: table }).locator('tbody tr'),
  );

const readState = async (): Promise<DevState> =>
  (await (await fetch(`${cloud.httpUrl}/dev/state`)).json()) as DevState;

const faultPlan = async (): Promise<unknown> => {
  const answer = (await (await fetch(`${cloud.httpUrl}/dev/faults`)).json()) as { plan: unknown };
  return answer.plan;
};

test('shows who connects, what they send and what that took, as it happens', async () => {
  await page.getByText('Nobody is connected').waitFor();
  const bob = await connect(cloud, 'bob', { deviceId: 'laptop', platform: 'web' });
  const alice = await connect(cloud, 'alice');
  await row('Connections', 'bob', 'laptop', 'web').waitFor();

  expect(await alice.send('user:bob', 'a secret between us')).toMatchObject({ ok: true });
  await bob.eventsUpTo(1);
  await row('Last events', 'in', 'send', 'alice / phone').waitFor();
  await row('Last events', 'out', 'posted by a function', 'bob / laptop').waitFor();
  await row('Functions', 'send', '1 idle').waitFor();
  await row('Event sources', 'Messages → fan-out').waitFor();
  expect(await page.content()).not.toContain('a secret between us');

  await bob.close();
  await row('Connections', 'bob').waitFor({ state: 'detached' });
  await row('Last events', 'disconnect', 'bob / laptop').waitFor();
  await alice.close();
});

test('shows throttles beside errors: they are none', async () => {
  const narrow = await startCloud({ accountConcurrency: 1 });
  await page.route('**/dev/state?*', async (route) =>
    route.fulfill({ response: await route.fetch({ url: `${narrow.httpUrl}/dev/state?after=0` }) }),
  );
  await Promise.allSettled(['ann', 'ben', 'cem'].map((user) => refusal(narrow, user)));
  expect(narrow.metrics().lambda['authorize']?.throttles).toBeGreaterThan(0);
  await row('Functions', 'authorize').getByRole('cell').nth(5).getByText(/[12]/).waitFor();
  await page.unrouteAll({ behavior: 'wait' });
  await narrow.close();
});

const notification = (change: object = {}) => ({
  notificationId: 'n1',
  userId: 'bob',
  deviceId: 'phone',
  conversationId: 'd:alice:bob',
  seq: 1,
  from: 'alice',
  title: 'Alice',
  preview: 'hello bob',
  count: 2,
  badge: 5,
  outcome: 'sent',
  at: Date.now(),
  ...change,
});

async function tell(...reports: object[]): Promise<void> {
  const init = { method: 'POST', body: JSON.stringify(reports) };
  expect((await fetch(`${cloud.httpUrl}/dev/notifications`, init)).status).toBe(200);
}

test('shows what became of notifications, newest first, as they are told', async () => {
  await page.getByText('Nobody was notified').waitFor();
  await tell(notification());
  await row('Notifications', 'sent', 'bob / phone', 'd:alice:bob', 'Alice', 'hello bob', '2 / 5').waitFor();
  const untold = { from: null, title: null, preview: null, count: 0, badge: undefined };
  await tell(notification({ notificationId: 'n2', ...untold, outcome: 'dropped', reason: 'muted' }));
  await row('Notifications', 'dropped', 'muted', '–').waitFor();
  const outcomes = page.getByRole('table', { name: 'Notifications' }).locator('.badge');
  expect(await outcomes.allInnerTexts()).toEqual(['dropped', 'sent']);
});

test('the events can be narrowed down', async () => {
  expect(await refusal(cloud, 'alice', { protocols: ['im.v1'] })).toBe(401);
  await row('Last events', 'refused', 'status 401').waitFor();
  await row('Last events', 'invoke', 'authorize').first().waitFor();
  await page.getByRole('radio', { name: 'Connections' }).check();
  await row('Last events', 'invoke').first().waitFor({ state: 'detached' });
  await row('Last events', 'refused', 'status 401').waitFor();
});

test('the state tells sizes and ids, never bodies; counts items; and is not metered', async () => {
  const alice = await connect(cloud, 'alice', { deviceId: 'tablet', platform: 'android' });
  await alice.send('user:alice', 'a secret of my own');
  await alice.close();
  await cloud.settled();
  const items = await scan(cloud, 'Users');
  const before = cloud.metrics().dynamodb;

  // Item counts are kept for a second: the one that is asked for now may be older than the message.
  await expect
    .poll(async () => (await readState()).tables, { interval: 100, timeout: 10_000 })
    .toContainEqual({ name: 'Users', items: items.length });
  const state = await readState();
  expect(state.events).toContainEqual({
    kind: 'messageIn',
    client: { connectionId: expect.any(String), userId: 'alice', deviceId: 'tablet', platform: 'android' },
    route: 'send',
    sizeBytes: expect.any(Number),
    id: expect.any(Number),
    at: expect.any(Number),
  });
  expect(JSON.stringify(state)).not.toContain('a secret of my own');
  expect(cloud.metrics().dynamodb).toEqual(before);
});

test('a fault switch, applied, is in the plan; clearing ends it', async () => {
  await page.getByRole('switch', { name: 'Lose response' }).check();
  await page.getByLabel('Lose response: percent').fill('7');
  await page.getByRole('group', { name: 'Stream batches' }).getByRole('switch', { name: 'Delay' }).check();
  await page.getByLabel('Seed').fill('42');
  expect(await faultPlan()).toBeNull();

  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Applied').waitFor();
  expect(await faultPlan()).toEqual({
    seed: 42,
    dynamodb: { lostResponse: 0.07 },
    stream: { delayMs: [0, 300] },
  });

  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByText('Cleared').waitFor();
  expect(await faultPlan()).toBeNull();
  expect(await page.getByRole('switch', { name: 'Lose response' }).isChecked()).toBe(false);
});

test('shows a plan that was set elsewhere and how often it struck, and says what is wrong with one', async () => {
  const bob = await connect(cloud, 'bob');
  cloud.setFaults({ seed: 5, gateway: { dropPush: 1 } });
  await expect.poll(() => page.getByRole('switch', { name: 'Drop' }).isChecked()).toBe(true);
  const alice = await connect(cloud, 'alice');
  await alice.send('user:bob', 'lost');
  await page.locator('.fault-row', { hasText: 'Drop' }).getByText('×').waitFor();

  const latency = page.getByRole('group', { name: 'DynamoDB requests' });
  await latency.getByRole('switch', { name: 'Latency' }).check();
  await page.getByLabel('Latency: at least').fill('90');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('must be [min, max]').waitFor();
  // The browser writes every refusal to the console; this one was asked for.
  expect(problems.splice(0)).toEqual([expect.stringContaining('400 (Bad Request)')]);
  await Promise.all([alice.close(), bob.close()]);
});

test('all faults can be switched on at once, each with a value that the plan takes', async () => {
  await page.getByRole('button', { name: 'Switch all on' }).click();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Applied').waitFor();
  expect(await faultPlan()).toMatchObject({
    lambda: { crashBefore: 0.01, crashMidway: 0.02, crashAfter: 0.01 },
    stream: { reorder: true, singly: false },
    gateway: { halfOpen: 0.005, delayPushMs: [0, 200] },
  });
});

test('makes a token that works, and the command to use it', async () => {
  await page.getByLabel('User').fill('carol');
  await page.getByLabel('Device').fill('browser');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByText('A token for carol.').waitFor();
  const token = await page.locator('#token').innerText();
  const carol = await connect(cloud, 'nobody', { token, deviceId: 'browser', platform: 'web' });
  await row('Connections', 'carol', 'browser').waitFor();
  expect(await carol.raw(await page.locator('#frame').innerText())).toMatchObject({ id: '1', ok: true });
  await carol.close();

  await page.getByRole('button', { name: 'Copy command' }).click();
  await page.getByText('Copied the command.').waitFor();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
    `npx wscat -c "${cloud.url}?deviceId=browser&platform=ios" -s im.v1 -s "bearer.${token}"`,
  );
});

test('resets the meters', async () => {
  const dan = await connect(cloud, 'dan');
  await dan.request('ping');
  expect(cloud.metrics().gateway.messagesIn).toBe(1);
  await page.getByRole('button', { name: 'Reset meters' }).click();
  await expect.poll(() => cloud.metrics().gateway.messagesIn).toBe(0);
  await dan.close();
});

test('fits the screen of a telephone: nothing is cut off, nothing scrolls sideways', async () => {
  const longId = 'x'.repeat(36);
  const bob = await connect(cloud, longId, { deviceId: longId, platform: 'web' });
  const alice = await connect(cloud, 'alice');
  await alice.send(`user:${longId}`, 'hello');
  await bob.eventsUpTo(1);
  await tell(notification({ userId: longId, title: 'T'.repeat(200), preview: 'p '.repeat(200) }));
  const narrow = await browser.newPage();
  await narrow.setViewportSize({ width: 390, height: 844 });
  await narrow.goto(`${cloud.httpUrl}/dev/`);
  await narrow.getByRole('button', { name: 'Make a token' }).click();
  await narrow.getByText('A token for').waitFor();
  await narrow.getByText('posted by a function').first().waitFor();
  await narrow.getByText('T'.repeat(200)).waitFor();
  const events = narrow.getByRole('table', { name: 'Last events' });
  expect(await events.getByRole('rowheader').count()).toBeGreaterThan(3);

  const wide = await narrow.evaluate(`
    [document.scrollingElement, ...document.body.querySelectorAll('*:not(.hidden, .code-box, thead, thead *)')]
      .filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflowX !== 'visible'
        || part.getBoundingClientRect().right > 390)
      .map((part) => part.outerHTML.slice(0, 100))`);
  expect(wide).toEqual([]);
  expect(await narrow.evaluate('document.scrollingElement.scrollWidth')).toBeLessThanOrEqual(390);
  await narrow.close();
  await Promise.all([alice.close(), bob.close()]);
});

test('asks for nothing while it is paused', async () => {
  const paused = await browser.newPage();
  let requests = 0;
  paused.on('request', (request) => {
    if (request.url().includes('/dev/state')) requests += 1;
  });
  await paused.clock.install();
  await paused.goto(`${cloud.httpUrl}/dev/`);
  await paused.getByRole('status').getByText('Live').waitFor();
  await paused.getByRole('button', { name: 'Pause' }).click();
  await paused.getByRole('status').getByText('Paused').waitFor();
  const before = requests;
  await paused.clock.runFor(60_000);
  expect(requests).toBe(before);

  await paused.getByRole('button', { name: 'Resume' }).click();
  await paused.getByRole('status').getByText('Live').waitFor();
  expect(requests).toBeGreaterThan(before);
  await paused.close();
});

test('says when the cloud is gone, and begins anew with another one', async () => {
  await page.getByRole('status').getByText('Live').waitFor();
  await page.route('**/dev/state?*', (route) => route.abort());
  await page.getByRole('status').getByText('No answer').waitFor();
  expect(problems.splice(0)).toContainEqual(expect.stringContaining('ERR_FAILED'));

  await page.unroute('**/dev/state?*');
  const fromTheFirst = page.waitForRequest(/after=0$/);
  await page.route('**/dev/state?*', async (route) => {
    const response = await route.fetch();
    const state = (await response.json()) as DevState;
    await route.fulfill({ json: { ...state, stack: 'another-stack', startedAt: state.startedAt + 1 } });
  });
  await fromTheFirst;
  await page.getByText('another-stack').waitFor();
  await page.unrouteAll({ behavior: 'wait' });
  problems.length = 0;
});
