// Networks that break: the client comes back by itself, and sends and shows everything once.
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Cloud } from '../../local/cloud.ts';
import { standardEnvironment, type WebSocketConstructor } from '../../src/client/environment.ts';
import { NodeWebSocket } from '../../src/client/node.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, nodeWebSocket, range } from './devices.ts';
import { ManualTime } from './manual-time.ts';
import { Proxy } from './proxy.ts';

let cloud: Cloud;
let devices: Devices;
let proxy: Proxy;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
beforeEach(async () => {
  proxy = await Proxy.start(cloud.port);
});
afterEach(async () => {
  cloud.clearFaults();
  await devices.close();
  await proxy.close();
});
afterAll(() => closeWhenSettled(cloud));

const impatient = { random: () => 0 };

describe('a connection that breaks', () => {
  test('comes back, catches up, and sends what was queued, in order', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId, url: proxy.url, environment: impatient });
    const alice = await devices.connect({ userId: aliceId });
    await alice.im.send(`user:${bobId}`, 'before').sent;
    await bob.seen.until(() => bob.seen.messages.length === 1, 'the first message');

    const lost = bob.seen.next('disconnected');
    proxy.refuse();
    expect(await lost).toMatchObject({ error: { code: 'connection_lost' }, retryInMs: 250 });
    const queued = range(3).map((n) => bob.im.send(`user:${aliceId}`, `offline ${n}`));
    await alice.im.send(`user:${bobId}`, 'meanwhile').sent;
    await cloud.settled();
    expect(queued.map(({ state }) => state)).toEqual(['queued', 'queued', 'queued']);

    proxy.accept();
    expect((await Promise.all(queued.map(({ sent }) => sent))).map(({ seq }) => seq)).toEqual([3, 4, 5]);
    const expected = ['before', 'meanwhile', 'offline 1', 'offline 2', 'offline 3'];
    expect(bob.seen.texts).toEqual(expected);
    expect(bob.seen.messages.map(({ delivery }) => delivery)).toEqual([
      'live',
      'catch-up',
      'live',
      'live',
      'live',
    ]);
    await alice.seen.until(() => alice.seen.messages.length === 5, 'all messages at alice');
    expect(alice.seen.texts).toEqual(expected);
    // It had caught up before it sent.
    const names = bob.seen.records.map(({ name }) => name);
    const sending = bob.seen.records.findIndex(
      ({ name, payload }) => name === 'sendState' && 'state' in payload && payload.state === 'sending',
    );
    expect(names.lastIndexOf('synced', sending)).toBeGreaterThan(names.lastIndexOf('disconnected'));
  });

  test('after the server had stored a message, before it could say so: the message is there once', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const alice = await devices.connect({ userId: aliceId, url: proxy.url, environment: impatient });
    await alice.im.send(`user:${bobId}`, 'first').sent;
    proxy.deafen();
    const doubtful = alice.im.send(`user:${bobId}`, 'stored, but unanswered');
    await bob.seen.until(() => bob.seen.messages.length === 2, 'both messages at bob');
    expect(doubtful.state).toBe('sending');
    proxy.hear();
    proxy.cut();
    expect((await doubtful.sent).seq).toBe(2);
    await alice.im.send(`user:${bobId}`, 'third').sent;
    await bob.seen.until(() => bob.seen.messages.length === 3, 'the third message');
    expect(bob.seen.texts).toEqual(['first', 'stored, but unanswered', 'third']);
    expect(alice.seen.texts).toEqual(bob.seen.texts);
  });

  test('again and again: nothing is lost, nothing comes twice, the order stays', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId, url: proxy.url, environment: impatient });
    const alice = await devices.connect({ userId: aliceId, url: proxy.url, environment: impatient });
    const sending = range(12).flatMap((n) => [
      alice.im.send(`user:${bobId}`, `alice ${n}`),
      bob.im.send(`user:${aliceId}`, `bob ${n}`),
    ]);
    for (const n of range(4)) {
      await alice.seen.until(() => alice.seen.messages.length >= 4 * n, `${4 * n} messages`);
      proxy.cut();
    }
    await Promise.all(sending.map(({ sent }) => sent));
    await cloud.settled();
    await Promise.all([alice.im.sync(), bob.im.sync()]);
    // A number may be void: of two tries that meet, one gives its own back.
    const seqs = alice.seen.messages.map(({ message }) => message.seq);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    expect(seqs).toHaveLength(24);
    expect(bob.seen.messages.map(({ message }) => message)).toEqual(
      alice.seen.messages.map(({ message }) => message),
    );
    expect(new Set(alice.seen.texts).size).toBe(24);
    for (const name of ['alice', 'bob']) {
      const own = alice.seen.texts.filter((text) => String(text).startsWith(name));
      expect(own).toEqual(range(12).map((n) => `${name} ${n}`));
    }
  });

  test('waits longer each time, and no longer when the network is back', async () => {
    const time = new ManualTime();
    let networkIsBack = () => {};
    const watchNetwork = (wake: () => void) => {
      networkIsBack = wake;
      return () => {};
    };
    const environment = { ...time.environment, random: () => 0.999_999, watchNetwork };
    const bob = await devices.connect({ userId: newUser('bob'), url: proxy.url, environment });
    proxy.refuse();
    const delays: (number | undefined)[] = [];
    for (const _ of range(5)) {
      const { retryInMs } = await bob.seen.next('disconnected');
      delays.push(retryInMs);
      expect(time.pendingMs).toEqual([retryInMs]);
      time.advance(retryInMs!);
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000]);
    await bob.seen.next('disconnected');
    proxy.accept();
    const synced = bob.seen.next('synced');
    networkIsBack();
    await synced;
    expect(bob.im.state).toBe('synced');
  });
});

describe('a connection that is dead and does not say so', () => {
  test('is found by the heartbeat within ten seconds, and replaced', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const time = new ManualTime();
    const environment = { ...time.environment, ...impatient };
    const bob = await devices.connect({ userId: bobId, url: proxy.url, environment });
    const alice = await devices.connect({ userId: aliceId });
    proxy.freeze();
    await alice.im.send(`user:${bobId}`, 'into the void').sent;
    await cloud.settled();
    expect(bob.seen.messages).toEqual([]);
    time.advance(4.5 * 60_000);
    expect(bob.im.state).toBe('synced');
    const lost = bob.seen.next('disconnected');
    time.advance(10_000);
    await lost;
    proxy.thaw();
    const synced = bob.seen.next('synced');
    time.advance(250);
    await synced;
    expect(bob.seen.texts).toEqual(['into the void']);
  });

  test('is found by a request that has no answer', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    const time = new ManualTime();
    const environment = { ...time.environment, ...impatient };
    const alice = await devices.connect({ userId: aliceId, url: proxy.url, environment });
    proxy.freeze();
    const message = alice.im.send(`user:${bobId}`, 'anyone?');
    await message.stored;
    expect(message.state).toBe('sending');
    const lost = alice.seen.next('disconnected');
    // The request is given up, then the connection that answers nothing.
    time.advance(10_000);
    expect(alice.im.state).toBe('synced');
    time.advance(10_000);
    await lost;
    expect(message.state).toBe('queued');
    proxy.thaw();
    const synced = alice.seen.next('synced');
    time.advance(250);
    await synced;
    // Both tries arrive in the end: one message, whichever of them has taken the first number.
    const { seq } = await message.sent;
    const { messages } = await alice.im.conversation(message.conversationId).history();
    expect(messages.map((stored) => stored.seq)).toEqual([seq]);
  });

  test('is not waited for by a client that closes', async () => {
    const time = new ManualTime();
    const sockets: NodeWebSocket[] = [];
    class WatchedWebSocket extends NodeWebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const { environment } = time;
    const webSocket = WatchedWebSocket;
    const bob = await devices.connect({ userId: newUser('bob'), url: proxy.url, environment, webSocket });
    proxy.freeze();
    await bob.im.close();
    const [socket] = sockets as [NodeWebSocket];
    expect(socket.readyState).toBe(socket.CLOSING);
    const closed = once(socket, 'close');
    time.fire(2_000);
    await closed;
    expect(time.pendingMs).toEqual([]);
  });

  test('during the handshake, is given up', async () => {
    const time = new ManualTime();
    proxy.freeze();
    const bob = await devices.prepare({
      userId: newUser('bob'),
      url: proxy.url,
      environment: { ...time.environment, ...impatient },
    });
    const started = bob.im.start();
    await time.untilSet(10_000);
    const lost = bob.seen.next('disconnected');
    time.advance(10_000);
    await lost;
    // What was given up must not reach the cloud after what comes next.
    proxy.cut();
    proxy.thaw();
    await time.untilSet(250);
    time.advance(250);
    await started;
    expect(bob.im.state).toBe('synced');
  });
});

describe('a device that was replaced', () => {
  test('while it slept: comes back by itself, is told, and takes nothing from the one in use', async () => {
    const bobId = newUser('bob');
    const time = new ManualTime();
    const environment = { ...time.environment, ...impatient };
    const phone = await devices.connect({ userId: bobId, url: proxy.url, environment });
    const lost = phone.seen.next('disconnected');
    proxy.cut();
    await lost;
    const pad = await devices.connect({ userId: bobId, deviceId: 'pad' });
    const kicked = phone.seen.next('kicked');
    await time.untilSet(250);
    time.advance(250);
    expect(await kicked).toMatchObject({ by: { deviceId: 'pad' } });
    expect(phone.im.state).toBe('kicked');
    expect(pad.seen.of('disconnected')).toEqual([]);

    const padKicked = pad.seen.next('kicked');
    await phone.im.start();
    await padKicked;
    expect(phone.im.state).toBe('synced');
  });

  test('by a copy of itself, in another process: the older one stops, and neither throws out the other', async () => {
    const bobId = newUser('bob');
    const original = await devices.connect({ userId: bobId, deviceId: 'same' });
    const kicked = original.seen.next('kicked');
    const copy = await devices.connect({ userId: bobId, deviceId: 'same' });
    expect(await kicked).toMatchObject({ by: { deviceId: 'same' } });
    await cloud.settled();
    expect(original.im.state).toBe('kicked');
    expect(original.seen.of('connecting')).toHaveLength(1);
    expect(copy.im.state).toBe('synced');
    expect(copy.seen.of('disconnected')).toEqual([]);
  });
});

describe('before the two hours are over', () => {
  /** The server's limit is 120 minutes. */
  const renewalMs = [100 * 60_000, 118 * 60_000] as const;

  test('a second connection takes over from the first: nothing is missed and nobody notices', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const time = new ManualTime();
    const bob = await devices.connect({ userId: bobId, environment: time.environment });
    const alice = await devices.connect({ userId: aliceId });
    const taken = bob.seen.next('connected');
    const synced = bob.seen.next('synced');
    time.fire(...renewalMs);
    expect(await taken).toEqual({ renewal: true });
    await synced;
    await alice.im.send(`user:${bobId}`, 'on the new connection').sent;
    await bob.seen.until(() => bob.seen.messages.length === 1, 'the message');
    await cloud.settled();
    expect(bob.seen.of('disconnected')).toEqual([]);
    expect(bob.seen.of('connecting')).toHaveLength(1);
    expect(cloud.metrics().gateway.connections).toBe(2);
  });

  test('and if no second one is to be had, the first stays, and it tries again', async () => {
    const time = new ManualTime();
    const environment = { ...time.environment, ...impatient };
    const bob = await devices.connect({ userId: newUser('bob'), url: proxy.url, environment });
    proxy.refuseNew();
    const tried = proxy.refusedOne();
    time.fire(...renewalMs);
    await tried;
    await time.untilSet(60_000);
    expect(bob.im.state).toBe('synced');
    proxy.accept();
    const taken = bob.seen.next('connected');
    time.fire(60_000);
    expect(await taken).toEqual({ renewal: true });
    expect(bob.seen.of('disconnected')).toEqual([]);
  });

  test('a token that never comes leaves nobody in doubt: the loss is told, and another is asked for', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const time = new ManualTime();
    const environment = { ...time.environment, ...impatient };
    let asked = 0;
    const token = () => (++asked === 2 ? new Promise<never>(() => {}) : cloud.issueToken(bobId));
    const bob = await devices.connect({ userId: bobId, url: proxy.url, token, environment });
    await devices.connect({ userId: aliceId });
    time.fire(...renewalMs);
    expect(asked).toBe(2);
    const lost = bob.seen.next('disconnected');
    proxy.cut();
    expect(await lost).toMatchObject({ error: { code: 'connection_lost' }, retryInMs: 250 });
    expect(bob.im.state).toBe('disconnected');
    const message = bob.im.send(`user:${aliceId}`, 'here again');
    const synced = bob.seen.next('synced');
    time.advance(250);
    await synced;
    expect(await message.sent).toMatchObject({ seq: 1 });
    expect(asked).toBe(3);
  });

  test('P7: what is sent between the two goes out when the second one has synced', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: aliceId });
    const time = new ManualTime();
    const said: string[] = [];
    class Recorded extends NodeWebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        this.on('message', (data: Buffer) => {
          if ('more' in JSON.parse(data.toString())) said.push('synced');
        });
      }
      override send(data: string): void {
        said.push((JSON.parse(data) as { action: string }).action);
        super.send(data);
      }
    }
    const webSocket = Recorded as unknown as WebSocketConstructor;
    const environment = { ...time.environment, ...impatient };
    const bob = await devices.connect({ userId: bobId, url: proxy.url, webSocket, environment });
    said.length = 0;
    await loseWhileRenewing(time);
    const { sent } = bob.im.send(`user:${aliceId}`, 'between two connections');
    await bob.seen.until(
      () => bob.seen.of('sendState').at(-1)?.state === 'queued' && bob.seen.of('sendState').length === 3,
      'its way back',
    );
    proxy.thaw();
    expect(await sent).toMatchObject({ seq: 1 });
    expect(said.filter((what) => what !== 'ack' && what !== 'ping').slice(0, 3)).toEqual([
      'sync',
      'synced',
      'send',
    ]);
  });

  test('a handshake that hangs when the first connection ends is not waited for', async () => {
    const time = new ManualTime();
    const environment = { ...time.environment, ...impatient };
    const bob = await devices.connect({ userId: newUser('bob'), url: proxy.url, environment });
    await loseWhileRenewing(time);
    const lost = bob.seen.next('disconnected');
    time.fire(2_000);
    await lost;
    // What was given up must not reach the cloud after what comes next.
    proxy.cut();
    proxy.thaw();
    const synced = bob.seen.next('synced');
    await time.untilSet(250);
    time.fire(250);
    await synced;
    expect(bob.seen.of('connected')).toEqual([{ renewal: false }, { renewal: false }]);
  });

  /** The first connection ends while the handshake of the second one hangs. */
  async function loseWhileRenewing(time: ManualTime): Promise<void> {
    proxy.holdNew();
    const waiting = proxy.heldOne();
    time.fire(...renewalMs);
    await waiting;
    proxy.cutOldest();
    await time.untilSet(2_000);
  }
});

describe('a device whose clock is wrong, where nobody tells why a handshake failed', () => {
  /** As in a browser. */
  const webSocket = WebSocket as unknown as WebSocketConstructor;

  test.each([2, 48])('by %i hours: unreachable is not unauthorized', async (hours) => {
    const now = () => Date.now() + hours * 3_600_000;
    const environment = { ...impatient, now, setTimer: brief };
    proxy.refuse();
    const userId = newUser('bob');
    const bob = await devices.prepare({ userId, url: proxy.url, webSocket, environment });
    const started = bob.im.start();
    await bob.seen.until(() => bob.seen.of('disconnected').length >= 5, 'five vain attempts');
    for (const { error, retryInMs } of bob.seen.of('disconnected')) {
      expect(error.code).toBe('connection_lost');
      expect(retryInMs).toBe(250);
    }
    proxy.accept();
    await started;
    expect(bob.seen.of('tokenExpired')).toEqual([]);
  });

  test('the server’s time is learnt from its answers, and judges a token', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    let ttlSeconds = 3600;
    const alice = await devices.connect({
      userId: aliceId,
      url: proxy.url,
      webSocket,
      token: () => cloud.issueToken(aliceId, ttlSeconds),
      environment: { ...impatient, now: () => Date.now() - 48 * 3_600_000, setTimer: brief },
    });
    await alice.im.send(`user:${bobId}`, 'what time is it?').sent;
    ttlSeconds = -60;
    const expired = alice.seen.next('tokenExpired');
    proxy.cut();
    expect(await expired).toMatchObject({ error: { code: 'unauthorized' } });
    ttlSeconds = 3600;
    await alice.seen.next('synced');
  });

  /** Pauses between attempts end at once. */
  function brief(callback: () => void, delayMs: number): () => void {
    return standardEnvironment.setTimer(callback, delayMs === 250 ? 0 : delayMs);
  }
});

describe('tokens', () => {
  test('one that never comes is a timeout, from the first on', async () => {
    const time = new ManualTime();
    const opening = devices.prepare({
      userId: newUser('bob'),
      token: () => new Promise(() => {}),
      environment: time.environment,
    });
    await time.untilSet(30_000);
    time.fire(30_000);
    await expect(opening).rejects.toMatchObject({ code: 'timeout' });
  });

  test('one that ends during a connection is replaced by a fresh one', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    // It lives on its leeway of 5 s.
    let ttlSeconds = -3;
    let asked = 0;
    const token = () => {
      asked++;
      return cloud.issueToken(aliceId, ttlSeconds);
    };
    const alice = await devices.connect({ userId: aliceId, token, environment: impatient });
    ttlSeconds = 3600;
    const askedToConnect = asked;
    // Only the server's clock can end it: in answer to a send, or instead of the push of one.
    for (let n = 1; alice.seen.of('disconnected').length === 0; n++) {
      await alice.im.send(`user:${bobId}`, `${n}`).sent;
    }
    await alice.im.send(`user:${bobId}`, 'with the new token').sent;
    expect(asked).toBe(askedToConnect + 1);
    const stored = await alice.im.conversation(directId(aliceId, bobId)).messages({ limit: 500 });
    expect(stored.map(({ seq }) => seq)).toEqual(range(stored.length));
  });

  test('when there is none, the app is told, and asked again', async () => {
    const bobId = newUser('bob');
    let signedIn = true;
    const token = () => (signedIn ? cloud.issueToken(bobId) : Promise.reject(new Error('signed out')));
    const bob = await devices.connect({ userId: bobId, url: proxy.url, token, environment: impatient });
    signedIn = false;
    const expired = bob.seen.next('tokenExpired');
    proxy.cut();
    expect(await expired).toMatchObject({ error: { message: 'signed out' } });
    signedIn = true;
    await bob.seen.next('synced');
  });
});

describe('a server that fails', () => {
  test('functions that crash, answers that are lost, throttles: all is sent once, in order', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId, environment: impatient });
    const alice = await devices.connect({ userId: aliceId, environment: impatient });
    await alice.im.send(`user:${bobId}`, '0').sent;
    cloud.setFaults({
      seed: 3,
      dynamodb: { throttle: 0.05, error: 0.02, lostResponse: 0.05 },
      lambda: { crashBefore: 0.05, crashMidway: 0.05, crashAfter: 0.05 },
    });
    await Promise.all(range(20).map((n) => alice.im.send(`user:${bobId}`, `${n}`).sent));
    cloud.clearFaults();
    await cloud.settled();
    await Promise.all([alice.im.sync(), bob.im.sync()]);
    await bob.seen.until(() => bob.seen.messages.length === 21, 'all messages at bob');
    await alice.seen.until(() => alice.seen.messages.length === 21, 'all messages at alice');
    expect(bob.seen.texts).toEqual(range(21, 0).map(String));
    expect(alice.seen.texts).toEqual(bob.seen.texts);
  });

  test('for good: a message that was tried ten times waits for the app, and those behind it wait with it', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    const storage = new MemoryStorage();
    const time = new ManualTime();
    const environment = { ...time.environment, ...impatient };
    const alice = await devices.connect({ userId: aliceId, storage, environment, webSocket: nodeWebSocket });
    await alice.im.send(`user:${bobId}`, 'before').sent;
    cloud.setFaults({ seed: 1, dynamodb: { error: 1 } });
    const message = alice.im.send(`user:${bobId}`, 'hard to send');
    const stop = alice.im.on('sendState', ({ state }) => {
      if (state === 'queued') queueMicrotask(() => time.advance(250));
    });
    await expect(message.sent).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    stop();
    expect(message.state).toBe('failed');
    expect(
      alice.seen
        .of('sendState')
        .filter(({ message: other, state }) => other === message && state === 'sending'),
    ).toHaveLength(10);
    cloud.clearFaults();
    const other = newUser('carol');
    await devices.connect({ userId: other });
    const [behind, elsewhere] = [`user:${bobId}`, `user:${other}`].map((to) => alice.im.send(to, 'after it'));
    await elsewhere!.sent;
    expect(behind!.state).toBe('queued');
    await alice.im.close();

    const again = await devices.connect({ userId: aliceId, storage });
    const [kept, waiting] = again.im.outbox();
    expect(waiting).toMatchObject({ state: 'queued', clientMsgId: behind!.clientMsgId });
    expect(kept).toMatchObject({
      state: 'failed',
      clientMsgId: message.clientMsgId,
      error: { retryable: true },
    });
    await kept!.retry();
    const first = await kept!.sent;
    expect(first).toMatchObject({ body: { text: 'hard to send' } });
    expect((await waiting!.sent).seq).toBeGreaterThan(first.seq);
    expect(again.im.outbox()).toEqual([]);
  });

  test('discarding a failed message lets those behind it go', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    const time = new ManualTime();
    const environment = { ...time.environment, ...impatient };
    const alice = await devices.connect({ userId: aliceId, environment, webSocket: nodeWebSocket });
    await alice.im.send(`user:${bobId}`, 'before').sent;
    cloud.setFaults({ seed: 1, dynamodb: { error: 1 } });
    const [failed, behind] = ['given up', 'goes out'].map((text) => alice.im.send(`user:${bobId}`, text));
    const stop = alice.im.on('sendState', ({ state }) => {
      if (state === 'queued') queueMicrotask(() => time.advance(250));
    });
    await expect(failed!.sent).rejects.toMatchObject({ code: 'unavailable' });
    stop();
    cloud.clearFaults();
    await failed!.discard();
    expect(await behind!.sent).toMatchObject({ body: { text: 'goes out' } });
  });
});
