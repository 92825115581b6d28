// Files through the SDK, into the local cloud's own store: there, shown, taken back, and over a network that breaks.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { ImError } from '../../src/client/errors.ts';
import { uploadAvatar } from '../../src/client/files/send-file.ts';
import { standardUploader, type Put, type Uploader } from '../../src/client/files/uploader.ts';
import { loaded } from '../../src/client/loading.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, newUser } from './devices.ts';
import { metered } from './metered.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud({
    environment: { IM_SETTINGS: '{"mediaMaxBytes":1000,"uploadsPerMinute":10000}' },
  });
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

const picture = () => new Blob(['a picture'], { type: 'image/png' });
const contentOf = async (url: string) => {
  const response = await fetch(url);
  return response.ok ? response.text() : response.status;
};

/** Two users who have spoken; alice's pauses are short, and her clock is hers. */
async function aPair() {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  let aheadMs = 0;
  const environment = { random: () => 0, now: () => Date.now() + aheadMs };
  const bob = await devices.connect({ userId: bobId });
  const { traffic, webSocket } = metered();
  const alice = await devices.connect({ userId: aliceId, environment, webSocket });
  await alice.im.send(`user:${bobId}`, 'hi').sent;
  await bob.seen.until(() => bob.seen.messages.length === 1, 'the first message');
  const hers = alice.im.conversation(`user:${bobId}`);
  return { alice, traffic, bob, hers, pass: (ms: number) => (aheadMs += ms) };
}

/** Does to the nth PUT what the nth of these does; from then on what the platform does. */
function uploaderOf(...tries: Uploader[]) {
  const puts: Put[] = [];
  const uploader: Uploader = (put) => (tries[puts.push(put) - 1] ?? standardUploader)(put);
  return { puts, uploader };
}
const broken: Uploader = (put) => standardUploader({ ...put, url: 'http://127.0.0.1:1/' });
const answering =
  (status: number): Uploader =>
  async () =>
    status;

async function failureOf(work: Promise<unknown>): Promise<ImError> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ImError);
  return error as ImError;
}

describe('a file', () => {
  test('is sent with what it is, and had by the other one', async () => {
    const { alice, bob, hers } = await aPair();
    const progress: number[][] = [];
    const outgoing = await hers.sendFile(picture(), {
      name: 'holiday.png',
      text: 'look!',
      width: 4,
      height: 3,
      replyTo: 1,
      onProgress: (...told) => progress.push(told),
    });
    expect(progress).toEqual([[9, 9]]);
    const { seq } = await outgoing.sent;
    await bob.seen.until(() => bob.seen.messages.length === 2, 'the picture');
    const { message } = bob.seen.messages[1]!;
    expect(message).toMatchObject({ seq, type: 'image', replyTo: 1 });
    expect(message.body).toEqual({
      url: expect.stringMatching(/^media:c\//),
      name: 'holiday.png',
      size: 9,
      mime: 'image/png',
      text: 'look!',
      width: 4,
      height: 3,
    });
    expect(await contentOf(await bob.im.mediaUrl(message))).toBe('a picture');
    expect(await contentOf(await alice.im.mediaUrl(outgoing))).toBe('a picture');
  });

  test('is what its type says, by its own name', async () => {
    const { hers } = await aPair();
    const kinds: unknown[] = [];
    const files = [
      new Blob(['x'], { type: 'audio/ogg;codecs=opus' }),
      new Blob(['x'], { type: 'video/mp4' }),
      new Blob(['x']),
      new File(['x'], 'notes.txt', { type: 'text/plain' }),
    ];
    for (const file of files) {
      const { type, body, sent } = await hers.sendFile(file);
      await sent;
      kinds.push([type, body['name'], body['mime']]);
    }
    const asFile = await hers.sendFile(picture(), { type: 'file' });
    expect(asFile.type).toBe('file');
    expect(kinds).toEqual([
      ['voice', 'voice', 'audio/ogg'],
      ['video', 'video', 'video/mp4'],
      ['file', 'file', 'application/octet-stream'],
      ['file', 'notes.txt', 'text/plain'],
    ]);
  });

  test('that is too large, or that nobody would take, is refused before a byte is on its way', async () => {
    const { hers } = await aPair();
    const { puts, uploader } = uploaderOf();
    const large = new Blob(['x'.repeat(1_001)]);
    expect(await failureOf(hers.sendFile(large, { uploader }))).toMatchObject({ code: 'too_large' });
    const text = 'x'.repeat(17_000);
    expect(await failureOf(hers.sendFile(picture(), { uploader, text }))).toMatchObject({
      code: 'too_large',
    });
    expect(await failureOf(hers.sendFile(picture(), { uploader, mime: 'png' }))).toMatchObject({
      code: 'bad_request',
    });
    expect(puts).toEqual([]);
    expect(hers.unsent()).toEqual([]);
  });

  test('goes when its message is recalled', async () => {
    const { bob, hers } = await aPair();
    const { sent } = await hers.sendFile(picture());
    const { seq } = await sent;
    await bob.seen.until(() => bob.seen.messages.length === 2, 'the picture');
    const { message } = bob.seen.messages[1]!;
    const url = await bob.im.mediaUrl(message);
    await hers.recall(seq);
    expect(await contentOf(url)).toBe(404);
    expect(await failureOf(bob.im.mediaUrl(message, { anew: true }))).toMatchObject({ code: 'not_found' });
  });

  test('may be what a user looks like, for everybody', async () => {
    const { alice, bob } = await aPair();
    const avatar = await uploadAvatar(alice.im, picture());
    await alice.im.setProfile({ avatar });
    const [profile] = await bob.im.profiles([alice.im.userId]);
    expect(await contentOf(await bob.im.mediaUrl(profile!.avatar))).toBe('a picture');
  });
});

describe('over a network that breaks, a file', () => {
  test('whose part of the SDK does not load is one to try again', async () => {
    const cause = new TypeError('Failed to fetch dynamically imported module');
    const failure = await failureOf(loaded(Promise.reject(cause)));
    expect(failure).toMatchObject({ code: 'connection_lost', retryable: true, cause });
    expect(await loaded(Promise.resolve('a part'))).toBe('a part');
  });

  test('is put again, and is there once though only the answer was lost', async () => {
    const { bob, hers } = await aPair();
    const progress: number[] = [];
    const { puts, uploader } = uploaderOf(broken, answering(503), async (put) => {
      expect(await standardUploader(put)).toBe(200);
      throw new TypeError('The answer was lost');
    });
    const { sent } = await hers.sendFile(picture(), {
      uploader,
      onProgress: (bytes) => progress.push(bytes),
    });
    await sent;
    expect(puts).toHaveLength(4);
    expect(new Set(puts.map(({ url }) => url)).size).toBe(1);
    expect(progress).toEqual([9]);
    await bob.seen.until(() => bob.seen.messages.length === 2, 'the picture');
    expect(await contentOf(await bob.im.mediaUrl(bob.seen.messages[1]!.message))).toBe('a picture');
  });

  test('is given up after four tries, and nothing is sent', async () => {
    const { hers } = await aPair();
    const first = uploaderOf(broken, broken, broken, broken);
    expect(await failureOf(hers.sendFile(picture(), first))).toMatchObject({
      code: 'connection_lost',
      retryable: true,
    });
    const second = uploaderOf(...Array.from({ length: 4 }, () => answering(500)));
    expect(await failureOf(hers.sendFile(picture(), second))).toMatchObject({
      code: 'refused',
      status: 500,
    });
    const third = uploaderOf(answering(413));
    expect(await failureOf(hers.sendFile(picture(), third))).toMatchObject({
      code: 'refused',
      status: 413,
      retryable: false,
    });
    expect([first, second, third].map(({ puts }) => puts.length)).toEqual([4, 4, 1]);
    expect((await hers.history()).messages).toHaveLength(1);
    expect(hers.unsent()).toEqual([]);
  });

  test('has another URL when the first is over, or its signature is no longer good', async () => {
    const { bob, hers, pass } = await aPair();
    const late: Uploader = async () => {
      pass(16 * 60_000);
      throw new TypeError('It took too long');
    };
    // As the store says it: 403.
    const forged: Uploader = (put) => standardUploader({ ...put, url: `${put.url}0` });
    for (const [trouble, arrived] of [
      [late, 2],
      [forged, 3],
    ] as const) {
      const { puts, uploader } = uploaderOf(trouble);
      await (
        await hers.sendFile(picture(), { uploader })
      ).sent;
      expect(puts).toHaveLength(2);
      expect(puts[0]!.url).not.toBe(puts[1]!.url);
      await bob.seen.until(() => bob.seen.messages.length === arrived, 'the picture');
      const { message } = bob.seen.messages[arrived - 1]!;
      expect(await contentOf(await bob.im.mediaUrl(message))).toBe('a picture');
    }
  });
});

describe('a file that is taken back', () => {
  test('on its way, ends there: nothing is sent', async () => {
    const { hers } = await aPair();
    const cancel = new AbortController();
    const slow: Uploader = ({ signal, onProgress }) =>
      new Promise((_, reject) => {
        signal!.addEventListener('abort', () => reject(signal!.reason as Error));
        onProgress(4);
      });
    const { puts, uploader } = uploaderOf(slow);
    const failure = await failureOf(
      hers.sendFile(picture(), {
        uploader,
        signal: cancel.signal,
        onProgress: (sentBytes) => sentBytes === 4 && cancel.abort(),
      }),
    );
    expect(failure).toMatchObject({ code: 'cancelled', retryable: false });
    expect(puts).toHaveLength(1);
    expect((await hers.history()).messages).toHaveLength(1);
    expect(hers.unsent()).toEqual([]);
  });

  test('before it began, between two tries or at the very end, is not sent either', async () => {
    const { hers } = await aPair();
    const early = uploaderOf();
    const signal = AbortSignal.abort();
    expect(await failureOf(hers.sendFile(picture(), { ...early, signal }))).toMatchObject({
      code: 'cancelled',
    });
    const between = new AbortController();
    const failing = uploaderOf(async () => {
      queueMicrotask(() => setTimeout(() => between.abort(), 10));
      return 503;
    });
    expect(await failureOf(hers.sendFile(picture(), { ...failing, signal: between.signal }))).toMatchObject({
      code: 'cancelled',
    });
    const end = new AbortController();
    const all = { signal: end.signal, onProgress: () => end.abort() };
    expect(await failureOf(hers.sendFile(picture(), all))).toMatchObject({ code: 'cancelled' });
    expect([early, failing].map(({ puts }) => puts.length)).toEqual([0, 1]);
    expect((await hers.history()).messages).toHaveLength(1);
  });
});

describe('the URL of a file', () => {
  test('is asked for once, until a minute before it is over', async () => {
    const { traffic, alice, hers, pass } = await aPair();
    const { sent } = await hers.sendFile(picture());
    const message = await sent;
    const asked = () => traffic.sent.filter((frame) => frame.includes('"download"')).length;
    const urls = await Promise.all([alice.im.mediaUrl(message), alice.im.mediaUrl(message)]);
    expect(urls[0]).toBe(urls[1]);
    expect(await alice.im.mediaUrl(message)).toBe(urls[0]);
    expect(asked()).toBe(1);
    pass(14 * 60_000 + 1_000);
    await alice.im.mediaUrl(message);
    expect(asked()).toBe(2);
    await alice.im.mediaUrl(message, { anew: true });
    expect(asked()).toBe(3);
  });

  test('of the web is as it is; what would run is none; a failure is not kept', async () => {
    const { alice, bob, hers } = await aPair();
    const web = 'https://example.com/a.png';
    expect(await alice.im.mediaUrl(web)).toBe(web);
    for (const url of ['javascript:alert(1)', 'data:text/html,x', '', undefined]) {
      const message = { conversationId: hers.conversationId, seq: 1, body: { url } };
      expect(await failureOf(alice.im.mediaUrl(message))).toMatchObject({ code: 'bad_request' });
    }
    const { sent } = await hers.sendFile(picture());
    const { body } = await sent;
    const early = { conversationId: hers.conversationId, seq: 1, body };
    expect(await failureOf(bob.im.mediaUrl(early))).toMatchObject({ code: 'not_found' });
    expect(await contentOf(await bob.im.mediaUrl({ ...early, seq: 2 }))).toBe('a picture');
    await bob.im.close();
    expect(await failureOf(bob.im.mediaUrl(early))).toMatchObject({ code: 'closed' });
  });
});
