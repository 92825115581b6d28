// Several tabs of one app in a real browser: one device, one connection, and every tab shows all of it.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { SharedClient } from '../../src/client/tabs/shared-client.ts';
import type { Storage } from '../../src/client/storage/storage.ts';
import { launchChromium } from '../support/chromium.ts';
import { startCloud } from '../support/cloud.ts';
import { bundleForBrowsers } from './bundle.ts';
import { closeWhenSettled, Devices, directId, newUser, range, type Device } from './devices.ts';

const pageSource = `<!doctype html><title>Tab</title><script type="module">
  import * as sdk from '/sdk.js';
  globalThis.hands = { sdk, shown: [], events: [], client: undefined, deaf: false };
  const { addEventListener } = BroadcastChannel.prototype;
  BroadcastChannel.prototype.addEventListener = function (type, listener) {
    addEventListener.call(this, type, (event) => hands.deaf || listener(event));
  };
</script>`;

/** What a page has in its hands. */
interface Hands {
  readonly sdk: {
    readonly SharedClient: typeof SharedClient;
    readonly IndexedDbStorage: { open(name: string): Promise<Storage> };
  };
  readonly shown: unknown[];
  readonly events: string[];
  client: SharedClient | undefined;
  /** Hears nothing of other tabs. */
  deaf: boolean;
}
declare const hands: Hands;

let context: BrowserContext;
let server: Server;
let origin: string;
let cloud: Cloud;
let devices: Devices;

beforeAll(async () => {
  const bundle = await bundleForBrowsers(`
    export { SharedClient } from './tabs/shared-client.ts';
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
  cloud = await startCloud({ environment: { ALLOWED_ORIGINS: origin } });
}, 120_000);

afterAll(async () => {
  await context?.close();
  server?.close();
  server?.closeAllConnections();
  if (cloud) await closeWhenSettled(cloud);
});

beforeEach(() => {
  devices = new Devices(cloud);
});

afterEach(async () => {
  await Promise.all(context.pages().map((page) => page.close()));
  await devices.close();
});

describe('tabs', () => {
  test('all show each message once and in order; one of them is connected', async () => {
    const { alice, bob, tabs } = await openTabs(3);
    expect(await Promise.all(tabs.map(role))).toEqual(['holder', 'standby', 'standby']);
    await talk(alice, bob, 1, 20);
    for (const tab of tabs) expect(await shownUpTo(tab, 20)).toEqual(range(20));
    const seen = await Promise.all(tabs.map((tab) => tab.evaluate(() => hands.events)));
    expect(seen.flat()).not.toContain('kicked');
  }, 60_000);

  test('the next takes over in mid-stream when the holder’s page is gone, and misses nothing', async () => {
    const { alice, bob, tabs } = await openTabs(3);
    const [first, second, third] = tabs as [Page, Page, Page];
    const talking = talk(alice, bob, 1, 40);
    await shownUpTo(second, 10);
    await first.close();
    await talking;
    await talk(alice, bob, 41, 45);
    expect(await shownUpTo(second, 45)).toEqual(range(45));
    expect(await shownUpTo(third, 45)).toEqual(range(45));
    expect(await role(second)).toBe('holder');
    expect(await role(third)).toBe('standby');
  }, 60_000);

  test('takeOver() makes the holder a standby, in mid-stream too, whoever else waits', async () => {
    const { alice, bob, tabs } = await openTabs(3);
    const last = tabs[2]!;
    const talking = talk(alice, bob, 1, 30);
    await shownUpTo(last, 5);
    await last.evaluate(() => hands.client!.takeOver());
    expect(await Promise.all(tabs.map(role))).toEqual(['standby', 'standby', 'holder']);
    await talking;
    for (const tab of tabs) expect(await shownUpTo(tab, 30)).toEqual(range(30));
  }, 60_000);

  test('takeOver() from a holder that hears nothing: it is made to let go, and becomes a standby', async () => {
    const { alice, bob, tabs } = await openTabs(3);
    const [first, second, third] = tabs as [Page, Page, Page];
    await first.evaluate(() => (hands.deaf = true));
    await second.evaluate(() => hands.client!.takeOver());
    expect(await Promise.all(tabs.map(role))).toEqual(['standby', 'holder', 'standby']);
    await second.evaluate(() => hands.client!.start());
    await talk(alice, bob, 1, 3);
    expect(await shownUpTo(second, 3)).toEqual(range(3));
    expect(await shownUpTo(third, 3)).toEqual(range(3));
    await first.evaluate(() => (hands.deaf = false));
    // It has the place back in its turn, and asks nobody else for it.
    await second.close();
    await Promise.race(
      [first, third].map((tab) => tab.waitForFunction(() => hands.client!.role === 'holder')),
    );
  }, 60_000);

  test('takeOver() from a holder that keeps the local data is a timeout; when its page is gone, they are free', async () => {
    const { bob, tabs } = await openTabs(1);
    const first = tabs[0]!;
    const second = await openTab(bob, 10);
    await first.evaluate(() => {
      const { IDBDatabase } = globalThis as unknown as { IDBDatabase: { prototype: { close: () => void } } };
      IDBDatabase.prototype.close = () => {
        throw new Error('Not now');
      };
    });
    const failure = await second.evaluate(() =>
      hands.client!.takeOver().then(
        () => 'held',
        (error: { code: string }) => error.code,
      ),
    );
    expect(failure).toBe('timeout');
    expect(await Promise.all([first, second].map(role))).toEqual(['standby', 'standby']);
    await first.close();
    await second.waitForFunction(() => hands.client!.role === 'holder');
  }, 60_000);

  test('opening and clearing beside a holder that hears nothing are a timeout', async () => {
    const { bob, tabs } = await openTabs(1);
    const second = await openTab(bob, 10);
    await tabs[0]!.evaluate(() => (hands.deaf = true));
    await expect(openTab(bob, 100)).rejects.toThrow('No tab answers');
    const failure = await second.evaluate(() =>
      hands.client!.clear().then(
        () => 'cleared',
        (error: { code: string }) => error.code,
      ),
    );
    expect(failure).toBe('timeout');
    expect(await second.evaluate(() => hands.client!.state)).toBe('closed');
  }, 60_000);

  test('a standby sends, and it arrives once; every tab hears of it', async () => {
    const { alice, tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    const sent = await second.evaluate(async (to) => {
      const message = hands.client!.send(to, 'from a standby');
      const echo = { state: message.state, waiting: hands.client!.outbox().length };
      await message.stored;
      const { seq } = await message.sent;
      return { ...echo, seq, after: message.state, left: hands.client!.outbox().length };
    }, `user:${alice.im.userId}`);
    expect(sent).toEqual({ state: 'queued', waiting: 1, seq: 1, after: 'sent', left: 0 });
    await alice.seen.until(() => alice.seen.texts.length > 0, 'the message');
    for (const tab of [first, second]) {
      expect(await shownUpTo(tab, 1)).toEqual(['from a standby']);
      const states = await tab.evaluate(() => hands.events.filter((event) => /^sent|^queued/.test(event)));
      expect(states).toEqual(['queued', 'sent']);
    }
    await cloud.settled();
    expect(alice.seen.texts).toEqual(['from a standby']);
  }, 60_000);

  test('what a standby sends while the holder’s page goes arrives once, in order', async () => {
    const { alice, tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    const sending = second.evaluate(async (to) => {
      const messages = Array.from({ length: 20 }, (_, index) => hands.client!.send(to, `${index + 1}`));
      const [early] = messages;
      await early!.sent;
      hands.events.push('early');
      return (await Promise.all(messages.map(({ sent }) => sent))).map(({ seq }) => seq);
    }, `user:${alice.im.userId}`);
    await second.waitForFunction(() => hands.events.includes('early'));
    await first.close();
    expect(await sending).toEqual(range(20));
    await alice.seen.until(() => alice.seen.texts.length === 20, 'all of them');
    expect(alice.seen.texts).toEqual(range(20).map(String));
  }, 60_000);

  test('a new tab draws what is stored, and reads through the holder', async () => {
    const { alice, bob, tabs } = await openTabs(1);
    await talk(alice, bob, 1, 3);
    await shownUpTo(tabs[0]!, 3);
    const late = await openTab(bob);
    expect(await overview(late, directId(alice.im.userId, bob))).toMatchObject({
      drawn: [1, 2, 3],
      history: [1, 2, 3],
      unread: 3,
      total: 3,
      conversations: 1,
    });
    await talk(alice, bob, 4, 4);
    expect(await shownUpTo(late, 1)).toEqual([4]);
  }, 60_000);

  test('a standby is answered as the holder is, whatever it asks', async () => {
    const { alice, bob, tabs } = await openTabs(2);
    await talk(alice, bob, 1, 3);
    for (const tab of tabs) await shownUpTo(tab, 3);
    const ask = (tab: Page) =>
      tab.evaluate(
        async (id) => {
          const client = hands.client!;
          const conversation = client.conversation(id);
          await client.sync();
          await client.sendEphemeral(id, 'typing');
          const { summary } = conversation;
          const above = await conversation.messages({ after: 1 });
          const answers = [
            await client.conversations(),
            await client.pending(),
            await conversation.history(),
          ];
          return { userId: client.userId, deviceId: client.deviceId, summary, above, answers };
        },
        directId(alice.im.userId, bob),
      );
    const [fromHolder, fromStandby] = await Promise.all(tabs.map(ask));
    expect(fromStandby).toEqual(fromHolder);
    expect(fromStandby!.above.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(fromStandby!.summary.unread).toBe(3);
  }, 60_000);

  test('what is read, recalled and set in one tab is known in all, with its events', async () => {
    const { alice, bob, tabs } = await openTabs(2);
    const conversationId = directId(alice.im.userId, bob);
    const [first, second] = tabs as [Page, Page];
    for (const tab of tabs) {
      await tab.evaluate(() => {
        const { client, events } = hands;
        client!.on('readChanged', ({ userId, readSeq }) => events.push(`${userId} read ${readSeq}`));
        client!.on('messageChanged', ({ message }) => events.push(`${message.seq} ${message.recalled}`));
        client!.on('conversationChanged', ({ settings }) => settings && events.push(settings.draft));
      });
    }
    await talk(alice, bob, 1, 3);
    for (const tab of tabs) await shownUpTo(tab, 3);
    await second.evaluate(async (id) => {
      const conversation = hands.client!.conversation(id);
      await conversation.markRead();
      await conversation.saveDraft('from a standby');
    }, conversationId);
    await alice.im.conversation(conversationId).recall(2);
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 3, 'all to be read');
    for (const tab of [first, second]) {
      const wanted = [`${bob} read 3`, '2 true', 'from a standby'];
      await tab.waitForFunction((all) => all.every((event) => hands.events.includes(event)), wanted);
      const { draft, readSeq, unread } = await tab.evaluate(
        (id) => hands.client!.conversation(id).summary,
        conversationId,
      );
      expect({ draft, readSeq, unread }).toEqual({ draft: 'from a standby', readSeq: 3, unread: 0 });
    }
    const { drawn } = await overview(second, conversationId);
    expect(drawn).toEqual([1, undefined, 3]);
  }, 60_000);

  test('what the holder stored, and could not tell any more, comes from its successor', async () => {
    const { alice, bob, tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    await talk(alice, bob, 1, 1);
    await shownUpTo(second, 1);
    await first.evaluate(() => {
      BroadcastChannel.prototype.postMessage = () => {};
    });
    await talk(alice, bob, 2, 4);
    await shownUpTo(first, 4);
    expect(await second.evaluate(() => hands.shown)).toEqual([1]);
    await first.close();
    expect(await shownUpTo(second, 4)).toEqual(range(4));
    const unread = await second.evaluate(() => hands.client!.totalUnread);
    expect(unread).toBe(4);
  }, 60_000);

  test('what a holder left unanswered is asked of its successor', async () => {
    const { alice, tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    await first.evaluate(() => (hands.deaf = true));
    const sending = second.evaluate(async (to) => {
      const message = hands.client!.send(to, 'into the void');
      const conversations = hands.client!.conversations();
      hands.events.push('asked');
      return [(await message.sent).seq, (await conversations).length];
    }, `user:${alice.im.userId}`);
    await second.waitForFunction(() => hands.events.includes('asked'));
    await first.close();
    expect(await sending).toEqual([1, 1]);
    await alice.seen.until(() => alice.seen.texts.length > 0, 'the message');
  }, 60_000);

  test('a refusal is known in every tab, and any of them may discard the message', async () => {
    const { tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    const nobody = newUser('nobody');
    const refused = await second.evaluate(async (to) => {
      const message = hands.client!.send(to, 'is anybody there?', { mentions: 'all' });
      const error: unknown = await message.sent.catch((reason: unknown) => reason);
      return { state: message.state, code: (error as { code: string }).code };
    }, `user:${nobody}`);
    expect(refused).toEqual({ state: 'rejected', code: 'user_not_found' });
    await first.waitForFunction(() => hands.client!.outbox()[0]?.error?.code === 'user_not_found');
    const drawn = await first.evaluate(async (to) => {
      const [message] = await hands.client!.conversation(to).messages();
      return message === hands.client!.outbox()[0] && [message?.body['text'], message?.mentions];
    }, `user:${nobody}`);
    expect(drawn).toEqual(['is anybody there?', 'all']);
    await first.evaluate(() => hands.client!.outbox()[0]!.discard());
    await second.waitForFunction(() => hands.client!.outbox().length === 0);
  }, 60_000);

  test('kicked by another device they stay away, also when the holder’s page goes; start() takes the place back', async () => {
    const { bob, tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    const laptop = await devices.connect({ userId: bob, platform: 'web' });
    for (const tab of tabs) await tab.waitForFunction(() => hands.events.includes('kicked'));
    await first.close();
    await second.waitForFunction(() => hands.client!.role === 'holder');
    expect(await second.evaluate(() => hands.client!.state)).toBe('kicked');
    expect(laptop.seen.of('kicked')).toEqual([]);
    await second.evaluate(() => hands.client!.start());
    await laptop.seen.until(() => laptop.seen.of('kicked').length === 1, 'kicked');
  }, 60_000);

  test('one that never heard of the kick goes on for the holder, and takes nothing back', async () => {
    const { bob, tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    await second.evaluate(() => (hands.deaf = true));
    const laptop = await devices.connect({ userId: bob, platform: 'web' });
    await first.waitForFunction(() => hands.events.includes('kicked'));
    expect(await second.evaluate(() => hands.events)).not.toContain('kicked');
    await first.close();
    await second.waitForFunction(() => hands.events.includes('kicked'));
    expect(await second.evaluate(() => hands.client!.state)).toBe('kicked');
    expect(laptop.seen.of('kicked')).toEqual([]);
  }, 60_000);

  test('what a holder told is of no use when another has told something', async () => {
    const { alice, bob, tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    await talk(alice, bob, 1, 5);
    await shownUpTo(second, 5);
    await first.close();
    await second.waitForFunction(() => hands.client!.role === 'holder');
    const third = await openTab(bob);
    await third.evaluate((name) => {
      const report = {
        kind: 'report',
        holder: 1,
        state: 'stopped',
        totalUnread: 9,
        event: { name: 'hello' },
      };
      const channel = new BroadcastChannel(`im/${name}`);
      channel.postMessage(report);
      channel.close();
    }, bob);
    await talk(alice, bob, 6, 10);
    expect(await shownUpTo(second, 10)).toEqual(range(10));
    expect(await shownUpTo(third, 5)).toEqual(range(5, 6));
    expect(await second.evaluate(() => hands.client!.state)).toBe('synced');
  }, 60_000);

  test('names, contacts, who types and who is there are told in every tab, by whichever it is asked', async () => {
    const { alice, bob, tabs } = await openTabs(3);
    const [first, second, third] = tabs as [Page, Page, Page];
    const aliceId = alice.im.userId;
    await alice.im.setProfile({ name: 'Alice' });
    await alice.im.send(`user:${bob}`, 'hello').sent;
    const nameIs = (tab: Page, name: string) =>
      tab.waitForFunction(([id, wanted]) => hands.client!.nameOf(id!) === wanted, [aliceId, name]);
    for (const tab of tabs) {
      await tab.evaluate(() => {
        hands.client!.on('typing', ({ users }) => hands.events.push(`typing: ${users.join()}`));
        return hands.client!.contacts();
      });
      await nameIs(tab, 'Alice');
    }
    await second.evaluate((id) => hands.client!.setContact(id, { alias: 'Al' }), aliceId);
    for (const tab of tabs) await nameIs(tab, 'Al');
    await second.evaluate(() => hands.client!.setProfile({ name: 'Bob' }));
    for (const tab of tabs) expect(await tab.evaluate((id) => hands.client!.nameOf(id), bob)).toBe('Bob');

    alice.im.conversation(`user:${bob}`).typing();
    for (const tab of tabs) {
      await tab.waitForFunction((id) => hands.events.includes(`typing: ${id}`), aliceId);
    }
    await third.evaluate((id) => hands.client!.conversation(`user:${id}`).typing(), aliceId);
    await alice.seen.until(() => alice.seen.of('typing').length === 1, 'that bob types');

    for (const tab of [second, third]) {
      await tab.evaluate(() => hands.client!.on('presence', () => hands.events.push('presence')));
    }
    await third.evaluate((id) => void hands.client!.watchPresence([id]), aliceId);
    for (const tab of [second, third]) await tab.waitForFunction(() => hands.events.includes('presence'));

    // What another device does while the tabs change hands is not lost, and the next holder watches anew.
    const laptop = await devices.connect({ userId: bob, platform: 'desktop' });
    await Promise.all([first.close(), laptop.im.setContact(aliceId, { alias: 'Ali' })]);
    for (const tab of [second, third]) {
      await nameIs(tab, 'Ali');
      await tab.waitForFunction(() => hands.events.filter((event) => event === 'presence').length === 2);
    }
  }, 60_000);

  test('the example of docs/client.md prints what it says', async () => {
    const docs = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
    const [, code = '', output] = /```ts browser\n([^]*?)```\n\n```text\n([^]*?)```/.exec(docs) ?? [];
    const here = code.replaceAll('127.0.0.1:4000', `127.0.0.1:${cloud.port}`);
    const program = await bundleForBrowsers(here.replaceAll('../src/client/', './'));
    const page = await context.newPage();
    await page.goto(origin);
    const printed: string[] = [];
    page.on('console', (line) => printed.push(`${line.text()}\n`));
    await page.addScriptTag({ type: 'module', content: `${program}\nglobalThis.done = true;` });
    await page.waitForFunction(() => 'done' in globalThis);
    expect(printed.join('')).toBe(output);
  }, 60_000);

  test('clear() removes everything, and closes every tab', async () => {
    const { bob, tabs } = await openTabs(2);
    const [first, second] = tabs as [Page, Page];
    const before = await first.evaluate(() => hands.client!.deviceId);
    await second.evaluate(() => hands.client!.clear());
    await first.waitForFunction(() => hands.client!.state === 'closed');
    const anew = await openTab(bob);
    expect(await anew.evaluate(() => hands.client!.deviceId)).not.toBe(before);
  }, 60_000);

  test('say so where there are no Web Locks or no BroadcastChannel', async () => {
    for (const missing of ['navigator', 'BroadcastChannel']) {
      const page = await context.newPage();
      await page.goto(origin);
      const refusal = await page.evaluate(async (name) => {
        Object.defineProperty(globalThis, name, { value: undefined });
        const options = { name: 'x', url: 'ws://x', token: '', platform: 'web' } as const;
        const storage = () => hands.sdk.IndexedDbStorage.open('x');
        const failure: unknown = await hands.sdk.SharedClient.open({ ...options, storage }).catch(
          (error: unknown) => error,
        );
        const { code, message } = failure as { code: string; message: string };
        return `${code}: ${message}`;
      }, missing);
      expect(refusal).toMatch(/^bad_request: Tabs need (Web Locks|BroadcastChannel)/);
    }
  }, 60_000);
});

async function openTabs(count: number): Promise<{ alice: Device; bob: string; tabs: Page[] }> {
  const alice = await devices.connect({ userId: newUser('alice') });
  const bob = newUser('bob');
  const tabs: Page[] = [];
  for (const _ of range(count)) tabs.push(await openTab(bob));
  return { alice, bob, tabs };
}

/** Resolves when it hears of a connection that is synced. Its timers run `pace` times as fast. */
async function openTab(userId: string, pace = 1): Promise<Page> {
  const page = await context.newPage();
  await page.goto(origin);
  const token = await cloud.issueToken(userId);
  await page.evaluate(
    async ({ url, token, userId, pace }) => {
      const { SharedClient, IndexedDbStorage } = hands.sdk;
      hands.client = await SharedClient.open({
        name: userId,
        storage: () => IndexedDbStorage.open(userId),
        url,
        token,
        platform: 'web',
        environment: {
          setTimer(callback, delayMs) {
            const timer = setTimeout(callback, delayMs / pace);
            return () => clearTimeout(timer);
          },
        },
        on: {
          message: ({ message }) => hands.shown.push(message.body['n'] ?? message.body['text']),
          sendState: ({ state }) => hands.events.push(state),
          kicked: () => hands.events.push('kicked'),
        },
      });
      await hands.client.start();
    },
    { url: `${cloud.url}/dev`, token, userId, pace },
  );
  return page;
}

const role = (tab: Page) => tab.evaluate(() => hands.client!.role);

async function talk(alice: Device, bob: string, from: number, to: number): Promise<void> {
  const content = (n: number) => ({ type: 'text', body: { text: String(n), n } }) as const;
  for (const n of range(to - from + 1, from)) await alice.im.send(`user:${bob}`, content(n)).sent;
}

/** What a tab has shown when it has shown so many. */
async function shownUpTo(tab: Page, count: number): Promise<unknown[]> {
  await tab.waitForFunction((wanted) => hands.shown.length >= wanted, count);
  return tab.evaluate(() => hands.shown);
}

function overview(tab: Page, conversationId: string) {
  return tab.evaluate(async (id) => {
    const client = hands.client!;
    const conversation = client.conversation(id);
    const drawn = await conversation.messages();
    const { messages } = await conversation.history();
    const numbers = (list: readonly { body: Readonly<Record<string, unknown>> }[]) =>
      list.map(({ body }) => body['n']);
    return {
      drawn: numbers(drawn),
      history: numbers(messages),
      unread: conversation.unread,
      total: client.totalUnread,
      conversations: (await client.conversations()).length,
    };
  }, conversationId);
}
