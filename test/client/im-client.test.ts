// The client against the real local cloud: sending, receiving, and how its events tell the story.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { ImClient } from '../../src/client/im-client.ts';
import { NodeWebSocket } from '../../src/client/node.ts';
import { connect } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, nodeWebSocket, range } from './devices.ts';
import { metered } from './metered.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import type { KeyRange } from '../../src/client/storage/storage.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(async () => {
  cloud.clearFaults();
  await devices.close();
});
afterAll(() => closeWhenSettled(cloud));

describe('alice and bob', () => {
  test('talk: each message once, in one order, on every device', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const laptop = await devices.connect({ userId: bobId, platform: 'desktop' });
    const alice = await devices.connect({ userId: aliceId });
    const conversationId = directId(aliceId, bobId);

    const sending = range(20).map((n) => alice.im.send(`user:${bobId}`, `hello ${n}`));
    expect(sending.map(({ state }) => state)).toEqual(range(20).map(() => 'queued'));
    const sent = await Promise.all(sending.map((message) => message.sent));
    expect(sent.map(({ seq }) => seq)).toEqual(range(20));
    expect(sent[0]).toMatchObject({
      conversationId,
      from: aliceId,
      deviceId: alice.im.deviceId,
      type: 'text',
    });

    const expected = range(20).map((n) => `hello ${n}`);
    for (const { im, seen } of [bob, laptop, alice]) {
      await seen.until(() => seen.messages.length === 20, 'all messages');
      expect(seen.texts).toEqual(expected);
      expect(seen.messages.every(({ delivery }) => delivery === 'live')).toBe(true);
      const stored = await im.conversation(conversationId).messages({ after: 0 });
      expect(stored).toEqual(seen.messages.map(({ message }) => message));
      expect(stored.map(({ serverTime }) => serverTime)).toEqual(sent.map(({ serverTime }) => serverTime));
    }
    expect(bob.im.totalUnread).toBe(20);
    expect(alice.im.totalUnread).toBe(0);
    const states = alice.seen.of('sendState').filter(({ message }) => message === sending[0]);
    expect(states.map(({ state }) => state)).toEqual(['queued', 'sending', 'sent']);
    expect(alice.im.outbox()).toEqual([]);
  });

  test('both send at once: both see one order', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const alice = await devices.connect({ userId: aliceId });
    const bob = await devices.connect({ userId: bobId });
    const sending = range(10).flatMap((n) => [
      alice.im.send(`user:${bobId}`, `alice ${n}`),
      bob.im.send(`user:${aliceId}`, `bob ${n}`),
    ]);
    await Promise.all(sending.map(({ sent }) => sent));
    await alice.seen.until(() => alice.seen.messages.length === 20, 'all messages at alice');
    await bob.seen.until(() => bob.seen.messages.length === 20, 'all messages at bob');
    expect(alice.seen.messages.map(({ message }) => message.seq)).toEqual(range(20));
    expect(bob.seen.texts).toEqual(alice.seen.texts);
    for (const name of ['alice', 'bob']) {
      const own = alice.seen.texts.filter((text) => String(text).startsWith(name));
      expect(own).toEqual(range(10).map((n) => `${name} ${n}`));
    }
  });

  test('a message from one’s phone appears on one’s laptop, and a send counts as having read', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const phone = await devices.connect({ userId: aliceId, platform: 'ios' });
    const laptop = await devices.connect({ userId: aliceId, platform: 'desktop' });
    await bob.im.send(`user:${aliceId}`, 'there?').sent;
    await laptop.seen.until(() => laptop.im.totalUnread === 1, 'an unread message');
    const sent = await phone.im.send(`user:${bobId}`, 'from my phone').sent;
    await laptop.seen.until(() => laptop.seen.messages.length === 2, 'the message from the phone');
    expect(laptop.seen.messages[1]!.message).toEqual(sent);
    expect(laptop.seen.of('unreadChanged').map(({ unread, total }) => [unread, total])).toEqual([
      [1, 1],
      [0, 0],
    ]);
  });

  test('silent messages, other types and ephemeral ones', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const alice = await devices.connect({ userId: aliceId });
    const body = { url: 'https://example.com/cat.jpg', mime: 'image/jpeg', size: 4711 };
    await alice.im.send(`user:${bobId}`, 'hush', { silent: true }).sent;
    await alice.im.send(`user:${bobId}`, { type: 'image', body }).sent;
    await bob.seen.until(() => bob.seen.messages.length === 2, 'both messages');
    expect(bob.seen.messages.map(({ message }) => message)).toMatchObject([
      { silent: true, type: 'text' },
      { silent: false, type: 'image', body },
    ]);
    expect(bob.im.totalUnread).toBe(1);
    const puff = bob.seen.next('ephemeral');
    await alice.im.sendEphemeral(`user:${bobId}`, 'puff');
    expect(await puff).toMatchObject({ message: { from: aliceId, body: { text: 'puff' } } });
    await expect(alice.im.sendEphemeral('user:nobody', 'puff')).rejects.toMatchObject({
      code: 'not_member',
    });
  });
});

describe('what the server will not take', () => {
  test('is rejected, holds up nothing behind it, and stays until it is discarded', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    const storage = new MemoryStorage();
    const alice = await devices.connect({ userId: aliceId, storage });
    const wrong = alice.im.send(`user:${bobId}`, { type: 'image', body: { url: '' } });
    const right = alice.im.send(`user:${bobId}`, 'but this');
    await expect(wrong.sent).rejects.toMatchObject({ code: 'bad_request', retryable: false });
    expect((await right.sent).seq).toBe(1);
    expect(wrong).toMatchObject({ state: 'rejected', error: { code: 'bad_request' } });
    await expect(wrong.retry()).rejects.toMatchObject({ name: 'ImError', code: 'bad_request' });

    expect(alice.im.outbox()).toEqual([wrong]);
    await alice.im.close();
    const again = await devices.connect({ userId: aliceId, storage });
    const [kept] = again.im.conversation(directId(aliceId, bobId)).unsent();
    expect(kept).toMatchObject({
      clientMsgId: wrong.clientMsgId,
      state: 'rejected',
      error: { code: 'bad_request' },
    });
    await kept!.discard();
    expect(again.im.outbox()).toEqual([]);
  });

  test('an unknown user', async () => {
    const alice = await devices.connect({ userId: newUser('alice') });
    await expect(alice.im.send('user:nobody', 'hi').sent).rejects.toMatchObject({ code: 'user_not_found' });
  });

  test('is refused at once where the client can tell', async () => {
    const alice = await devices.connect({ userId: newUser('alice') });
    const thrown = (code: string) => expect.objectContaining({ name: 'ImError', code });
    expect(() => alice.im.send('user:bob', 'x'.repeat(17_000))).toThrow(thrown('too_large'));
    expect(() => alice.im.send('bob', 'hi')).toThrow(thrown('bad_request'));
    expect(() => alice.im.send('user:bob', 'hi', { clientMsgId: 'short' })).toThrow(thrown('bad_request'));
    expect(() => alice.im.conversation('d:z:a')).toThrow(thrown('bad_request'));
    expect(alice.im.outbox()).toEqual([]);
  });
});

describe('conversations', () => {
  test('a device that is new has all of them; history goes back page by page', async () => {
    const [aliceId, bobId, carolId] = [newUser('alice'), newUser('bob'), newUser('carol')];
    const bob = await devices.connect({ userId: bobId });
    const carol = await devices.connect({ userId: carolId });
    const alice = await devices.connect({ userId: aliceId });
    await Promise.all(range(25).map((n) => alice.im.send(`user:${bobId}`, `to bob ${n}`).sent));
    await carol.im.send(`user:${aliceId}`, 'from carol').sent;
    await bob.seen.until(() => bob.seen.messages.length === 25, 'all messages at bob');
    // It is in alice's mailbox when it has been pushed to her.
    const fromCarol = () => alice.seen.messages.some(({ message }) => message.from === carolId);
    await alice.seen.until(fromCarol, 'carol’s message at alice');

    const laptop = await devices.connect({ userId: aliceId, platform: 'desktop' });
    expect(laptop.seen.messages.every(({ delivery }) => delivery === 'catch-up')).toBe(true);
    expect(await laptop.im.conversations()).toMatchObject([
      { kind: 'direct', peer: carolId, unread: 1, lastMessage: { body: { text: 'from carol' } } },
      { kind: 'direct', peer: bobId, unread: 0, lastMessage: { seq: 25 } },
    ]);

    const conversation = laptop.im.conversation(directId(aliceId, bobId));
    expect((await conversation.messages({ limit: 3 })).map(({ seq }) => seq)).toEqual([23, 24, 25]);
    expect((await conversation.messages({ limit: 3, before: 5 })).map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect((await conversation.messages({ limit: 3, after: 5 })).map(({ seq }) => seq)).toEqual([6, 7, 8]);
    const pages: number[][] = [];
    for await (const page of conversation.pages({ limit: 10 }))
      pages.push(page.messages.map(({ seq }) => seq));
    expect(pages).toEqual([range(10, 16), range(10, 6), range(5)]);
    const upwards: number[] = [];
    for await (const page of conversation.pages({ after: 20, limit: 2 })) {
      upwards.push(...page.messages.map(({ seq }) => seq));
    }
    expect(upwards).toEqual(range(5, 21));
    await expect(laptop.im.conversation(directId(bobId, carolId)).history()).rejects.toMatchObject({
      code: 'not_member',
    });
  });

  test('counts that a live message overtakes lower nothing', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    let release = () => {};
    const held = { count: 0 };
    class LateWebSocket extends NodeWebSocket {
      override emit(name: string, ...parameters: unknown[]): boolean {
        if (name !== 'message' || !String(parameters[0]).includes('"total"'))
          return super.emit(name, ...parameters);
        held.count++;
        release = () => super.emit(name, ...parameters);
        return true;
      }
    }
    const bob = await devices.connect({ userId: bobId, webSocket: LateWebSocket });
    const alice = await devices.connect({ userId: aliceId });
    for (const n of range(3)) await alice.im.send(`user:${bobId}`, `${n}`).sent;
    await bob.seen.until(() => bob.im.totalUnread === 3, 'three unread messages');
    cloud.setFaults({ seed: 1, gateway: { dropPush: 1 } });
    await alice.im.send(`user:${bobId}`, '4').sent;
    await cloud.settled();
    cloud.clearFaults();
    const pending = bob.im.pending();
    while (held.count === 0) await cloud.settled();
    await alice.im.send(`user:${bobId}`, '5').sent;
    await bob.seen.until(() => bob.im.totalUnread === 5, 'five unread messages');
    release();
    expect(await pending).toMatchObject({
      total: 1,
      more: false,
      conversations: [{ unread: 4, waiting: 1, lastSeq: 4, last: { seq: 4, body: { text: '4' } } }],
    });
    expect(bob.im.totalUnread).toBe(5);
  });

  test('what is not sent is drawn after what is, and its conversation is in the list', async () => {
    const [aliceId, bobId, carolId] = [newUser('alice'), newUser('bob'), newUser('carol')];
    await devices.connect({ userId: bobId });
    await devices.connect({ userId: carolId });
    const storage = new MemoryStorage();
    const before = await devices.connect({ userId: aliceId, storage });
    await before.im.send(`user:${bobId}`, 'sent').sent;
    await before.im.close();

    const { im } = await devices.prepare({ userId: aliceId, storage });
    const toBob = im.send(`user:${bobId}`, 'to bob');
    const toCarol = im.send(`user:${carolId}`, 'to carol');
    const [withBob, withCarol] = [im.conversation(`user:${bobId}`), im.conversation(`user:${carolId}`)];
    const drawn = await withBob.messages({ limit: 1 });
    expect(drawn.map(({ seq, from, body }) => [seq, from, body['text']])).toEqual([
      [1, aliceId, 'sent'],
      [undefined, aliceId, 'to bob'],
    ]);
    expect(drawn[1]).toBe(toBob);
    expect(await withBob.messages({ after: 0 })).toHaveLength(1);
    expect(await withBob.messages({ before: 2 })).toHaveLength(1);
    expect(await withCarol.messages()).toEqual([toCarol]);
    const list = (await im.conversations()).map(({ peer, lastMessage }) => [peer, lastMessage?.seq]);
    expect(list).toHaveLength(2);
    expect(list).toEqual(
      expect.arrayContaining([
        [carolId, undefined],
        [bobId, 1],
      ]),
    );

    await im.start();
    await Promise.all([toBob.sent, toCarol.sent]);
    expect((await withBob.messages()).map(({ seq }) => seq)).toEqual([1, 2]);
    expect((await withCarol.messages()).map(({ seq }) => seq)).toEqual([1]);
  });

  test('a message that is sent while its conversation is drawn is there once', async () => {
    const aliceId = newUser('alice');
    let whileListing = async () => {};
    class BusyStorage extends MemoryStorage {
      override async list(range: KeyRange) {
        await whileListing();
        return super.list(range);
      }
    }
    const { im } = await devices.connect({ userId: aliceId, storage: new BusyStorage() });
    const message = im.send(`user:${aliceId}`, 'note');
    whileListing = async () => void (await message.sent);
    expect(await im.conversation(`user:${aliceId}`).messages()).toMatchObject([{ seq: 1 }]);
  });

  test('listeners of a conversation hear of no other', async () => {
    const [aliceId, bobId, carolId] = [newUser('alice'), newUser('bob'), newUser('carol')];
    const alice = await devices.connect({ userId: aliceId });
    const bob = await devices.connect({ userId: bobId });
    const carol = await devices.connect({ userId: carolId });
    const heard: unknown[] = [];
    const stop = alice.im
      .conversation(`user:${bobId}`)
      .on('message', ({ message }) => heard.push(message.body['text']));
    await bob.im.send(`user:${aliceId}`, 'from bob').sent;
    await carol.im.send(`user:${aliceId}`, 'from carol').sent;
    await alice.seen.until(() => alice.seen.messages.length === 2, 'both messages');
    stop();
    await bob.im.send(`user:${aliceId}`, 'from bob again').sent;
    await alice.seen.until(() => alice.seen.messages.length === 3, 'the third message');
    expect(heard).toEqual(['from bob']);
  });

  test('messages as an iterator', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const alice = await devices.connect({ userId: aliceId });
    const incoming = bob.im.messages();
    for (const n of range(3)) alice.im.send(`user:${bobId}`, `${n}`);
    const taken: unknown[] = [];
    for await (const { message } of incoming) {
      taken.push(message.body['text']);
      if (taken.length === 3) break;
    }
    expect(taken).toEqual(['1', '2', '3']);
  });

  test('every event as an iterator', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const alice = await devices.connect({ userId: aliceId });
    const counts = bob.im.events('unreadChanged');
    const states = alice.im.events('sendState');
    const stop = new AbortController();
    const errors = bob.im.events('error', stop.signal);
    for (const n of range(2)) await alice.im.send(`user:${bobId}`, `${n}`).sent;
    const totals: number[] = [];
    for await (const { total } of counts) if (totals.push(total) === 2) break;
    expect(totals).toEqual([1, 2]);
    expect(await states.next()).toMatchObject({ value: { state: 'queued' } });
    stop.abort();
    for await (const _ of errors) expect.unreachable();
  });

  test('a device that lost its data begins with what it had not acknowledged; pending counts it first', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const alice = await devices.connect({ userId: aliceId });
    const before = await connect(cloud, bobId, { platform: 'bot' });
    await Promise.all(range(3).map((n) => alice.im.send(`user:${bobId}`, `${n}`).sent));
    await before.eventsUpTo(3);
    await before.request('ping', { cursor: 3 });
    await before.close();
    await cloud.settled();
    await Promise.all(range(2, 4).map((n) => alice.im.send(`user:${bobId}`, `${n}`).sent));
    await cloud.settled();

    const { traffic, webSocket } = metered();
    const bob = await devices.prepare({ userId: bobId, deviceId: 'phone', webSocket });
    const conversationId = directId(aliceId, bobId);
    // Before it pulls, for pulling acknowledges.
    const probe = await connect(cloud, bobId, { platform: 'bot' });
    expect(await probe.request('pending')).toMatchObject({
      total: 2,
      conversations: [{ conversationId, unread: 5, waiting: 2 }],
    });
    await probe.close();
    await bob.im.start();
    // What came before is read from history, so that the conversation does not begin in the middle.
    await bob.seen.until(() => bob.seen.messages.length === 5, 'all messages');
    expect(bob.seen.texts).toEqual(['1', '2', '3', '4', '5']);
    expect(bob.im.totalUnread).toBe(5);
    // One page of it, not all that was ever said.
    const asked = traffic.sent.filter((frame) => frame.includes('"history"'));
    expect(asked.map((frame) => JSON.parse(frame) as object)).toMatchObject([{ before: 4, limit: 100 }]);
  });
});

describe('connecting', () => {
  const aliceId = newUser('alice');
  const refusedWith = (options: Partial<Parameters<typeof ImClient.connect>[0]>) =>
    ImClient.connect({
      url: `${cloud.url}/dev`,
      token: () => cloud.issueToken(aliceId),
      platform: 'bot',
      webSocket: nodeWebSocket,
      environment: { random: () => 0 },
      ...options,
    });

  test('is refused with 400 for a wrong device id', async () => {
    await expect(refusedWith({ deviceId: 'no spaces' })).rejects.toMatchObject({
      code: 'refused',
      status: 400,
    });
  });

  test.each(['localhost:4000', '127.0.0.1:4000', 'http://127.0.0.1:4000/dev', 'ws://', ''])(
    'is refused at once for the url "%s"',
    async (url) => {
      await expect(refusedWith({ url })).rejects.toMatchObject({
        name: 'ImError',
        code: 'bad_request',
        message: expect.stringContaining(`"${url}"`),
      });
    },
  );

  test.each([
    (token: string) => `${token}\n`,
    (token: string) => `"${token}"`,
    (token: string) => `Bearer ${token}`,
  ])('is refused at once for a token with something around it (%#)', async (spoil) => {
    const token = async () => spoil(await cloud.issueToken(aliceId));
    await expect(refusedWith({ token })).rejects.toMatchObject({
      name: 'ImError',
      code: 'unauthorized',
      message: expect.stringContaining('token'),
    });
  });

  test('keeps the query of the url, and takes a plain token', async () => {
    const urls: string[] = [];
    class WatchedWebSocket extends NodeWebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        urls.push(url);
      }
    }
    const userId = newUser('alice');
    const token = await cloud.issueToken(userId);
    const url = `${cloud.url}/dev?region=eu`;
    const { im } = await devices.connect({
      userId,
      token,
      url,
      deviceId: 'pad',
      webSocket: WatchedWebSocket,
    });
    expect(im.userId).toBe(userId);
    expect(urls).toEqual([`${url}&deviceId=pad&platform=bot`]);
  });

  test('is refused with 401 when no token is good, after asking for others', async () => {
    let asked = 0;
    const expired: unknown[] = [];
    const userId = newUser('alice');
    const token = async () => {
      asked++;
      return cloud.issueToken(userId, -60);
    };
    const on = { tokenExpired: (event: unknown) => expired.push(event) };
    await expect(refusedWith({ token, on })).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
    expect(asked).toBe(3);
    expect(expired).toHaveLength(3);
  });

  test('that is given up leaves nobody waiting; what was to be sent stays, and goes out after start', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    let lifetime = -60;
    const { im, seen } = await devices.prepare({
      userId: aliceId,
      token: () => cloud.issueToken(aliceId, lifetime),
      environment: { random: () => 0 },
    });
    const message = im.send(`user:${bobId}`, 'at last');
    const waiting = [im.start(), im.sync(), message.sent].map((promise) =>
      promise.catch((error: unknown) => error),
    );
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'unauthorized' });
    expect(im.state).toBe('disconnected');
    expect(im.outbox()).toEqual([message]);
    lifetime = 60;
    await im.start();
    await seen.until(() => message.state === 'sent', 'the message');
    expect(await message.sent).toMatchObject({ seq: 1 });
  });

  test('fails at once on a platform without WebSocket', async () => {
    vi.stubGlobal('WebSocket', undefined);
    const opening = ImClient.open({
      url: `${cloud.url}/dev`,
      token: await cloud.issueToken(newUser('alice')),
      platform: 'bot',
    });
    await expect(opening).rejects.toMatchObject({ name: 'ImError', code: 'bad_request' });
    vi.unstubAllGlobals();
  });

  test('fails when there is no token to begin with, or none that names a user', async () => {
    const token = async () => Promise.reject(new Error('signed out'));
    await expect(refusedWith({ token })).rejects.toThrow('signed out');
    await expect(refusedWith({ token: async () => 'opaque' })).rejects.toMatchObject({
      code: 'unauthorized',
    });
  });

  test('fails when the stored data are another user’s or another device’s', async () => {
    const storage = new MemoryStorage();
    const alice = await devices.connect({ userId: newUser('alice'), storage });
    await alice.im.close();
    await expect(refusedWith({ storage })).rejects.toMatchObject({ code: 'wrong_user' });
    await expect(refusedWith({ storage, deviceId: 'other' })).rejects.toMatchObject({ code: 'storage' });
  });

  test('can be stopped while the app still looks for a token', async () => {
    const storage = new MemoryStorage();
    const userId = newUser('alice');
    await (await devices.connect({ userId, storage })).im.close();
    const alice = await devices.prepare({ userId, storage, token: () => new Promise(() => {}) });
    const started = alice.im.start().catch((error: unknown) => error);
    await alice.im.close();
    expect(await started).toMatchObject({ code: 'closed' });
  });

  test('gives up after the time it was given when nobody answers', async () => {
    await expect(refusedWith({ url: 'ws://127.0.0.1:9/dev', timeoutMs: 300 })).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
    });
  });

  test('a closed client says so', async () => {
    const { im } = await devices.connect({ userId: newUser('alice') });
    const waiting = im.send('user:bob', 'never mind');
    await im.close();
    await expect(waiting.sent).rejects.toMatchObject({
      code: expect.stringMatching(/closed|user_not_found/),
    });
    expect(im.state).toBe('closed');
    expect(() => im.send('user:bob', 'hi')).toThrow(expect.objectContaining({ code: 'closed' }));
    await expect(im.start()).rejects.toMatchObject({ code: 'closed' });
    await im.close();
  });

  test('a closed client keeps nobody waiting: iterators end, requests say so', async () => {
    const { im } = await devices.connect({ userId: newUser('alice') });
    const conversation = im.conversation('user:bob');
    const waiting = im.messages().next();
    const asked = [im.sync(), conversation.history(), im.pending()].map((request) =>
      request.catch((error: unknown) => error),
    );
    await im.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    for (const error of await Promise.all(asked)) expect(error).toMatchObject({ code: 'closed' });
    for await (const _ of im.messages()) expect.unreachable();
    for (const ask of [
      () => im.sync(),
      () => conversation.history(),
      () => im.pending(),
      () => im.sendEphemeral('user:bob', 'puff'),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'closed' });
    }
  });

  test('a message under way when another device takes over is sent, and says so, after start', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    let losing = true;
    class LossyWebSocket extends NodeWebSocket {
      override send(data: string): void {
        if (!losing || !data.includes('"send"')) super.send(data);
      }
    }
    const phone = await devices.connect({ userId: aliceId, platform: 'ios', webSocket: LossyWebSocket });
    const message = phone.im.send(`user:${bobId}`, 'later');
    const kicked = phone.seen.next('kicked');
    await devices.connect({ userId: aliceId, platform: 'ios', deviceId: 'pad' });
    await kicked;
    await expect(message.sent).rejects.toMatchObject({ code: 'kicked' });
    losing = false;
    await phone.im.start();
    await phone.seen.until(() => message.state === 'sent', 'the message');
    expect(await message.sent).toMatchObject({ seq: 1 });
  });

  test('another device of the same platform takes over: the older one stops, and comes back only when told', async () => {
    const bobId = newUser('bob');
    const phone = await devices.connect({ userId: bobId, platform: 'ios' });
    const kicked = phone.seen.next('kicked');
    const pad = await devices.connect({ userId: bobId, platform: 'ios', deviceId: 'pad' });
    expect(await kicked).toEqual({ reason: 'replaced', by: { deviceId: 'pad', platform: 'ios' } });
    expect(phone.im.state).toBe('kicked');
    await cloud.settled();
    expect(phone.seen.of('connecting')).toHaveLength(1);
    expect(phone.seen.of('disconnected')).toEqual([]);
    expect(pad.im.state).toBe('synced');

    const padKicked = pad.seen.next('kicked');
    await phone.im.start();
    await padKicked;
    expect(phone.im.state).toBe('synced');
  });
});
