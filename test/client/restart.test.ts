// Apps that die: what the storage holds is enough to lose nothing and to show nothing twice.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { ImError } from '../../src/client/errors.ts';
import { open } from '../../src/client/node.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import type { Change, KeyRange, Storage } from '../../src/client/storage/storage.ts';
import { key } from '../../src/client/store/schema.ts';
import { connect } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, type Device, Devices, directId, newUser, range } from './devices.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

/** Whether the batch that the app dies with reached the disk. */
type Death = 'before the write' | 'after the write';

/** A disk that survives, under an app that dies at its n-th batch: nothing is written from then on. */
class DyingStorage implements Storage {
  readonly death: Promise<void>;
  private readonly disk: Storage;
  private readonly when: Death;
  private left: number;
  private die = () => {};

  constructor(disk: Storage, batches: number, when: Death) {
    this.disk = disk;
    this.left = batches;
    this.when = when;
    this.death = new Promise((resolve) => (this.die = resolve));
  }

  get survived(): boolean {
    return this.left > 0;
  }

  list(range: KeyRange) {
    return this.disk.list(range);
  }

  async commit(changes: readonly Change[]): Promise<void> {
    this.left--;
    if (this.left > 0) return this.disk.commit(changes);
    if (this.left === 0 && this.when === 'after the write') await this.disk.commit(changes);
    this.die();
    throw new ImError('storage', 'The app is dead');
  }

  async close(): Promise<void> {}
}

const shownTexts = ({ seen }: Device) => seen.texts;

describe.each<Death>(['before the write', 'after the write'])('an app that dies %s', (when) => {
  test('of its first batch, its second, its third …: nothing is lost, nothing shown or sent twice', async () => {
    for (let batches = 1, survived = false; !survived; batches++) {
      expect(batches, 'the story ends').toBeLessThan(40);
      survived = await liveAndDie(batches, when);
    }
  });

  /** Bob receives three messages and sends two, dies at the given batch, and lives on. */
  async function liveAndDie(batches: number, when: Death): Promise<boolean> {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const conversationId = directId(aliceId, bobId);
    const disk = new MemoryStorage();
    const dying = new DyingStorage(disk, batches, when);
    const alice = await connect(cloud, aliceId);
    const options = { userId: bobId, deviceId: 'phone', environment: { random: () => 0 } };
    // Bob exists before, so that he can be written to.
    await (await connect(cloud, bobId, { platform: 'web', deviceId: 'laptop' })).close();
    await alice.send(`user:${bobId}`, 'alice 1');
    await cloud.settled();

    const lives: Device[] = [];
    const accepted: string[] = [];
    const live = async () => {
      const bob = await devices.prepare({ ...options, storage: dying });
      lives.push(bob);
      for (const n of [1, 2]) {
        const message = bob.im.send(`user:${aliceId}`, `bob ${n}`);
        await message.stored;
        accepted.push(`bob ${n}`);
      }
      await bob.im.start();
      await alice.send(`user:${bobId}`, 'alice 2');
      await alice.send(`user:${bobId}`, 'alice 3');
      void dying.death.then(() => bob.seen.look());
      await bob.seen.until(() => bob.seen.messages.length === 5 || !dying.survived, 'all five messages');
    };
    const life = live().catch((error: unknown) => {
      if (dying.survived) throw error;
    });
    await Promise.race([life, dying.death]);
    await Promise.all(lives.map(({ im }) => im.close()));
    await life;

    const again = await devices.prepare({ ...options, storage: disk });
    const drawn = (await again.im.conversation(conversationId).messages({ after: 0, limit: 100 })).map(
      ({ seq }) => seq,
    );
    // Whatever the first life showed, it had stored.
    const before = lives.flatMap(({ seen }) => seen.messages.map(({ message }) => message.seq));
    expect(drawn.slice(0, before.length)).toEqual(before);
    await again.im.start();
    await Promise.all(again.im.outbox().map(({ sent }) => sent));
    await cloud.settled();
    await again.im.sync();

    const stored = await again.im.conversation(conversationId).messages({ limit: 100 });
    expect(stored.map(({ seq }) => seq)).toEqual(range(stored.length));
    const texts = stored.map(({ body }) => body['text']);
    expect(texts.filter((text) => String(text).startsWith('alice'))).toEqual(
      ['alice 1', 'alice 2', 'alice 3'].slice(
        0,
        texts.filter((text) => String(text).startsWith('alice')).length,
      ),
    );
    expect(texts).toEqual(expect.arrayContaining(accepted));
    expect(new Set(texts).size).toBe(texts.length);
    // What is drawn at the start and what is shown from then on make up the whole, with nothing twice.
    expect([...drawn, ...again.seen.messages.map(({ message }) => message.seq)]).toEqual(
      range(stored.length),
    );
    expect(new Set([...lives, again].flatMap(shownTexts)).size).toBe(
      [...lives, again].flatMap(shownTexts).length,
    );
    const history = (await again.im.conversation(conversationId).history({ limit: 100 })).messages;
    expect(history).toEqual(stored);
    await again.im.close();
    await alice.close();
    return dying.survived;
  }
});

/** Full, or slow, while a test wants it so. */
class UnwritableStorage extends MemoryStorage {
  isFull = false;
  private stalled: Promise<void> = Promise.resolve();

  /** Removes nothing until it may go on: what it returns. */
  stall(): () => void {
    let goOn = () => {};
    this.stalled = new Promise((resolve) => (goOn = resolve));
    return goOn;
  }

  override async commit(changes: readonly Change[]): Promise<void> {
    if (changes.every(({ value }) => value === undefined)) await this.stalled;
    if (this.isFull) throw new Error('full');
    await super.commit(changes);
  }
}

describe('the outbox', () => {
  test('written offline and before a restart, is sent in order when there is a connection', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    const storage = new MemoryStorage();
    const offline = await devices.prepare({ userId: aliceId, storage });
    const written = range(3).map((n) => offline.im.send(`user:${bobId}`, `${n}`));
    await Promise.all(written.map(({ stored }) => stored));
    await offline.im.close();
    await expect(written[0]!.sent).rejects.toMatchObject({ code: 'closed' });

    const alice = await devices.prepare({ userId: aliceId, storage });
    const kept = alice.im.outbox();
    expect(kept.map(({ clientMsgId, state }) => [clientMsgId, state])).toEqual(
      written.map(({ clientMsgId }) => [clientMsgId, 'queued']),
    );
    await alice.im.start();
    expect((await Promise.all(kept.map(({ sent }) => sent))).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(alice.seen.texts).toEqual(['1', '2', '3']);
    expect(await storage.list({ from: 'outbox/', to: 'outbox0' })).toEqual([]);
  });

  test('what had arrived before the app died is recognised by sync, not sent again', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    const storage = new MemoryStorage();
    const offline = await devices.prepare({ userId: aliceId, storage });
    const message = offline.im.send(`user:${bobId}`, 'did it go?');
    await message.stored;
    await offline.im.close();
    // The life that sent it: more sends followed than the server's window remembers.
    const socket = await connect(cloud, aliceId, { deviceId: 'phone', platform: 'web' });
    await socket.send(`user:${bobId}`, 'did it go?', { clientMsgId: message.clientMsgId });
    for (const n of range(17)) await socket.send(`user:${bobId}`, `${n}`);
    await cloud.settled();

    const again = await devices.prepare({ userId: aliceId, storage });
    const [kept] = again.im.outbox();
    await again.im.start();
    expect((await kept!.sent).seq).toBe(1);
    expect(again.seen.of('sendState').map(({ state }) => state)).toEqual(['sent']);
    expect(again.seen.texts.filter((text) => text === 'did it go?')).toHaveLength(1);
  });

  test('a storage that cannot be written fails the message, not the app', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await devices.connect({ userId: bobId });
    const alice = await devices.connect({
      userId: aliceId,
      storage: new DyingStorage(new MemoryStorage(), 3, 'before the write'),
    });
    const message = alice.im.send(`user:${bobId}`, 'one');
    await expect(message.stored).rejects.toMatchObject({ code: 'storage' });
    expect(message).toMatchObject({ state: 'failed', error: { code: 'storage' } });
  });

  test('discarding it fails with the storage, and leaves it as it was: it goes out after all', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const storage = new UnwritableStorage();
    const alice = await devices.prepare({ userId: aliceId, storage });
    const message = alice.im.send(`user:${bobId}`, 'kept');
    await message.stored;
    storage.isFull = true;
    await expect(message.discard()).rejects.toMatchObject({ code: 'storage' });
    expect(alice.im.outbox()).toEqual([message]);
    storage.isFull = false;
    await alice.im.start();
    await message.sent;
    await bob.seen.until(() => bob.seen.texts.length === 1, 'the message');
  });

  test('discarding it takes it out when that is stored, and it does not go out meanwhile', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const storage = new UnwritableStorage();
    const alice = await devices.prepare({ userId: aliceId, storage });
    const [discarded, behind] = ['not this', 'but this'].map((text) => alice.im.send(`user:${bobId}`, text));
    await behind!.stored;
    const goOn = storage.stall();
    const discarding = discarded!.discard();
    expect(alice.im.outbox()).toEqual([discarded, behind]);
    await alice.im.start();
    expect(discarded!.state).toBe('queued');
    goOn();
    await discarding;
    expect(alice.im.outbox()).toEqual([behind]);
    await expect(discarded!.sent).rejects.toMatchObject({ code: 'closed' });
    await behind!.sent;
    await bob.seen.until(() => bob.seen.texts.length === 1, 'the message');
    expect(bob.seen.texts).toEqual(['but this']);
  });
});

describe('data in a file', () => {
  test('are there when the process starts again: conversations, position, device and outbox', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'im-client-'));
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const options = {
      url: `${cloud.url}/dev`,
      platform: 'bot',
      file: join(directory, 'bob.journal'),
      token: () => cloud.issueToken(bobId),
    } as const;
    try {
      const alice = await devices.connect({ userId: aliceId });
      const bob = await open(options);
      await bob.start();
      await alice.im.send(`user:${bobId}`, 'one').sent;
      await cloud.settled();
      await bob.sync();
      await bob.close();
      await alice.im.send(`user:${bobId}`, 'two').sent;
      await cloud.settled();

      const shown: unknown[] = [];
      const again = await open({
        ...options,
        on: { message: ({ message }) => shown.push(message.body['text']) },
      });
      expect(again.deviceId).toBe(bob.deviceId);
      expect(await again.conversation(directId(aliceId, bobId)).messages()).toMatchObject([
        { body: { text: 'one' } },
      ]);
      await again.start();
      expect(shown).toEqual(['two']);
      await again.close();
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('the schema', () => {
  test('of a newer version is refused', async () => {
    const storage = new MemoryStorage();
    const userId = newUser('alice');
    const { im } = await devices.prepare({ userId, storage });
    await im.close();
    const [meta] = await storage.list({ from: key.meta, to: key.meta });
    await storage.commit([{ key: key.meta, value: { ...(meta!.value as object), schemaVersion: 99 } }]);
    await expect(devices.prepare({ userId, storage })).rejects.toMatchObject({ code: 'storage' });
  });
});
