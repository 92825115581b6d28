// Search, over real sockets: a user finds what they may see by what it says, and reads about a megabyte a request.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  const settings = { searchesPerMinute: 10_000, writeFanoutLimit: 4 };
  cloud = await startCloud({ environment: { IM_SETTINGS: JSON.stringify(settings) } });
});
afterAll(() => cloud.close());

const errorOf = (answer: Frame) => answer['error'] as { code: string; message: string };

interface Result {
  readonly hits: Message[];
  readonly scanned: number;
  readonly pages: number;
}

/** To the end. */
async function find(
  client: TestClient,
  query: string,
  fields: Record<string, unknown> = {},
): Promise<Result> {
  const hits: Message[] = [];
  let scanned = 0;
  let cursor: unknown;
  let pages = 0;
  do {
    const answer = await client.request('search', {
      query,
      ...fields,
      ...(cursor !== undefined && { cursor }),
    });
    expect(answer).toMatchObject({ ok: true });
    hits.push(...(answer['hits'] as Message[]));
    scanned += answer['scanned'] as number;
    cursor = answer['next'];
    pages += 1;
  } while (cursor !== undefined);
  return { hits, scanned, pages };
}
const seqsOf = async (...request: Parameters<typeof find>) =>
  (await find(...request)).hits.map(({ seq }) => seq);

let pairs = 0;
async function newPair() {
  const n = ++pairs;
  const [alice, bob] = [await connect(cloud, `alice-${n}`), await connect(cloud, `bob-${n}`)];
  return { n, alice, bob, to: `user:bob-${n}`, conversationId: `d:alice-${n}:bob-${n}` };
}

async function newGroup(owner: TestClient, members: string[], policy: object = {}): Promise<string> {
  const clientGroupId = randomUUID();
  const made = await owner.request('createGroup', { clientGroupId, title: 'Group', members, policy });
  expect(made).toMatchObject({ ok: true });
  return made['conversationId'] as string;
}

describe('P5.19: what one types is found', () => {
  let pair: Awaited<ReturnType<typeof newPair>>;
  const sent = new Map<string, number>();
  const say = async (name: string, fields: Record<string, unknown>) => {
    const answer = await pair.alice.send(pair.to, name, fields);
    expect(answer).toMatchObject({ ok: true });
    sent.set(name, answer['seq'] as number);
  };
  beforeAll(async () => {
    pair = await newPair();
    await say('chinese', { body: { text: '明天下午三点开会' } });
    await say('composed', { body: { text: 'Un caf\u00e9 noir' } });
    await say('decomposed', { body: { text: 'un autre cafe\u0301' } });
    await say('wide', { body: { text: 'ＲＯＯＭ １２' } });
    await say('file', { type: 'file', body: { url: 'https://files/a1b2', name: 'Bericht Q3.PDF' } });
    await say('image', {
      type: 'image',
      body: { url: 'https://files/c3', name: 'x.png', text: 'our old cat' },
    });
    await say('custom', { type: 'custom', body: { text: 'Where do we eat?', options: ['pizzeria'] } });
  });

  test.each([
    ['a part of a Chinese sentence', '三点', ['chinese']],
    ['accents, however they are composed', 'CAFÉ', ['decomposed', 'composed']],
    ['the same, typed decomposed', 'cafe\u0301', ['decomposed', 'composed']],
    ['wide letters by narrow ones', 'room 12', ['wide']],
    ['a file by its name', 'q3.pdf', ['file']],
    ['an image by what was said of it', 'OLD CAT', ['image']],
    ['what an app says of its own message', 'do we eat', ['custom']],
    ['blanks around it do not matter', '  eat? ', ['custom']],
  ])('%s', async (_, query, names) => {
    const expected = names.map((name) => sent.get(name));
    for (const fields of [{}, { conversationId: pair.conversationId }]) {
      expect(await seqsOf(pair.bob, query, fields)).toEqual(expected);
    }
  });

  test.each([
    ['without its accent', 'cafe'],
    ['by the address of a file', 'a1b2'],
    ['by what else an app keeps in a message', 'pizzeria'],
    ['by words that stand apart', 'un noir'],
  ])('not %s', async (_, query) => expect(await seqsOf(pair.bob, query)).toEqual([]));

  test('of one sender, if so asked', async () => {
    const { n, bob, alice, conversationId } = pair;
    const { seq } = await bob.send(`user:alice-${n}`, 'café for me as well');
    expect(await seqsOf(alice, 'café', { from: `bob-${n}` })).toEqual([seq]);
    expect(await seqsOf(alice, 'café', { from: `alice-${n}`, conversationId })).not.toContain(seq);
  });

  test('hits are messages as history shows them, reactions and all', async () => {
    const { bob, alice, conversationId } = pair;
    const seq = sent.get('chinese')!;
    await bob.request('react', { conversationId, seq, emoji: '👍' });
    const { messages } = (await alice.request('history', { conversationId })) as unknown as {
      messages: Message[];
    };
    const { hits } = await find(alice, '开会');
    expect(hits).toEqual([messages.find((message) => message.seq === seq)]);
    expect(hits[0]).toMatchObject({ reactions: [{ emoji: '👍', count: 1, mine: false }] });
  });
});

test.each([
  ['a blank query', { query: ' \u3000' }, 'query'],
  ['an empty one', { query: '' }, 'query'],
  ['one that is too long', { query: 'x'.repeat(101) }, 'query'],
  ['half a character', { query: '\ud83d' }, 'query'],
  ['no query', {}, 'query'],
  ['a cursor that is none', { query: 'x', cursor: 'no cursor' }, 'cursor'],
  [
    'a cursor of nobody',
    { query: 'x', cursor: Buffer.from('[9999999,1,1,5]').toString('base64url') },
    'cursor',
  ],
  ['a conversation that is none', { query: 'x', conversationId: 'bob' }, 'conversationId'],
  ['too large a page', { query: 'x', limit: 51 }, 'limit'],
])('P5.19: %s is bad_request, and says so', async (_, fields, field) => {
  const client = await connect(cloud, 'careless');
  const error = errorOf(await client.request('search', fields));
  expect(error.code).toBe('bad_request');
  expect(error.message).toMatch(new RegExp(`^${field}`));
});

test('P5.19: a cursor of one conversation is none of another, nor of all', async () => {
  const { n, alice, to, conversationId } = await newPair();
  for (const text of ['one', 'one more']) await alice.send(to, text);
  await alice.send(`user:alice-${n}`, 'one for me');
  const { next: cursor } = await alice.request('search', { query: 'one', conversationId, limit: 1 });
  expect(cursor).toBeTypeOf('string');
  for (const fields of [{}, { conversationId: `d:alice-${n}:alice-${n}` }]) {
    const answer = await alice.request('search', { query: 'one', cursor, ...fields });
    expect(errorOf(answer).code).toBe('bad_request');
  }
});

describe('P5.19: what is gone is not found', () => {
  test('I7: what was recalled; what was edited is found by what it says now', async () => {
    const { alice, bob, to, conversationId } = await newPair();
    const { seq: secret } = await alice.send(to, 'the password is swordfish');
    const { seq: typo } = await alice.send(to, 'see you on mnoday');
    expect(await seqsOf(bob, 'swordfish')).toEqual([secret]);
    await alice.request('recall', { conversationId, seq: secret });
    const change = {
      conversationId,
      seq: typo,
      clientMsgId: randomUUID(),
      body: { text: 'see you on monday' },
    };
    await alice.request('edit', change);
    for (const client of [alice, bob]) {
      for (const fields of [{}, { conversationId }]) {
        expect(await seqsOf(client, 'swordfish', fields)).toEqual([]);
        expect(await seqsOf(client, 'mnoday', fields)).toEqual([]);
        expect(await seqsOf(client, 'monday', fields)).toEqual([typo]);
      }
    }
  });

  test('what one has cleared; the other one still finds it', async () => {
    const { alice, bob, to, conversationId } = await newPair();
    const { seq: old } = await alice.send(to, 'hello');
    const { seq } = await alice.send(to, 'hello again');
    await bob.request('settings', { conversationId, clearedSeq: old });
    for (const fields of [{}, { conversationId }]) {
      expect(await seqsOf(bob, 'hello', fields)).toEqual([seq]);
      expect(await seqsOf(alice, 'hello', fields)).toEqual([seq, old]);
    }
  });
});

describe('I8: nobody finds what is not theirs', () => {
  test('a stranger finds nothing, and learns nothing of whether there is something', async () => {
    const { n, alice, to, conversationId } = await newPair();
    await alice.send(to, 'between us');
    const eve = await connect(cloud, `eve-${n}`);
    expect((await find(eve, 'between us')).scanned).toBe(0);
    const refused = await eve.request('search', { query: 'us', conversationId });
    const made = await eve.request('search', { query: 'us', conversationId: 'd:no:one' });
    expect(errorOf(refused)).toMatchObject({ code: 'not_member' });
    expect(errorOf(made).message.replace('d:no:one', conversationId)).toBe(errorOf(refused).message);
    // With somebody else's place to go on from.
    const { next: cursor } = await alice.request('search', { query: 'us', limit: 1 });
    const stolen = await eve.request('search', { query: 'us', ...(cursor !== undefined && { cursor }) });
    expect(JSON.stringify(stolen)).not.toContain('between');
  });

  test.each([
    ['of all conversations', (id: string) => [0, 0, Date.now(), id, 9]],
    ['of one', (id: string) => [id, 9]],
  ])('a forged cursor %s, which names theirs, leads nowhere', async (_, forge) => {
    const { n, alice, to, conversationId } = await newPair();
    await alice.send(to, 'between us');
    const eve = await connect(cloud, `forger-${n}`);
    const cursor = Buffer.from(JSON.stringify(forge(conversationId))).toString('base64url');
    for (const fields of [{}, { conversationId }]) {
      const answer = await eve.request('search', { query: 'us', cursor, ...fields });
      expect(answer['hits'] ?? []).toEqual([]);
    }
  });

  test('a newcomer to a group finds what came since; by its policy, what was before', async () => {
    const { n, alice } = await newPair();
    const carol = await connect(cloud, `carol-${n}`);
    for (const history of ['joined', 'all']) {
      const group = await newGroup(alice, [`bob-${n}`], { history });
      const { seq: before } = await alice.send(group, 'the plan');
      await alice.request('addMembers', { conversationId: group, users: [`carol-${n}`] });
      const { seq: after } = await alice.send(group, 'the plan has changed');
      await cloud.settled();
      const expected = history === 'all' ? [after, before] : [after];
      expect(await seqsOf(carol, 'plan', { conversationId: group })).toEqual(expected);
      const { hits } = await find(carol, 'plan');
      const inGroup = hits.filter(({ conversationId }) => conversationId === group).map(({ seq }) => seq);
      expect(inGroup).toEqual(expected);
    }
  });

  test('who was removed, or has left, finds nothing there any more', async () => {
    const { n, alice, bob } = await newPair();
    const carol = await connect(cloud, `carol-${n}`);
    const group = await newGroup(alice, [`bob-${n}`, `carol-${n}`]);
    await alice.send(group, 'while we were all here');
    await cloud.settled();
    expect(await seqsOf(bob, 'all here')).toHaveLength(1);
    await alice.request('removeMembers', { conversationId: group, users: [`bob-${n}`] });
    await carol.request('leaveGroup', { conversationId: group });
    for (const client of [bob, carol]) {
      expect(await seqsOf(client, 'all here')).toEqual([]);
      const answer = await client.request('search', { query: 'all here', conversationId: group });
      expect(errorOf(answer).code).toBe('not_member');
    }
    expect(await seqsOf(alice, 'all here')).toHaveLength(1);
  });

  test('who is blocked finds what they have', async () => {
    const { n, alice, bob, to, conversationId } = await newPair();
    const { seq } = await alice.send(to, 'before the quarrel');
    await bob.request('block', { userId: `alice-${n}` });
    for (const client of [alice, bob]) {
      expect(await seqsOf(client, 'quarrel')).toEqual([seq]);
      expect(await seqsOf(client, 'quarrel', { conversationId })).toEqual([seq]);
    }
  });
});

test('P5.19: all of one’s conversations at once, the newest first, large groups too', async () => {
  const { n, alice, bob, to } = await newPair();
  const others = await Promise.all([1, 2, 3].map((other) => connect(cloud, `other-${n}-${other}`)));
  const large = await newGroup(alice, [`bob-${n}`, ...[1, 2, 3].map((other) => `other-${n}-${other}`)]);
  const small = await newGroup(bob, [`alice-${n}`]);
  const said: string[] = [];
  const say = async (client: TestClient, target: string) => {
    const answer = await client.send(target, `word ${said.length}`);
    said.unshift(`${answer['conversationId'] as string}#${answer['seq'] as number}`);
    await cloud.settled();
  };
  for (let round = 0; round < 3; round++) {
    await say(alice, to);
    await say(bob, small);
    await say(others[round]!, `user:alice-${n}`);
  }
  for (let round = 0; round < 3; round++) await say(others[round]!, large);
  const names = (hits: readonly Message[]) =>
    hits.map(({ conversationId, seq }) => `${conversationId}#${seq}`);
  const { hits } = await find(alice, 'word', { limit: 2 });
  expect(names(hits).toSorted()).toEqual(said.toSorted());
  // What was written to everybody comes in the order in which it came, whatever the pages.
  const written = hits.filter(({ conversationId }) => conversationId !== large);
  expect(names(written)).toEqual(said.slice(3));
  expect(names((await find(alice, 'word', { limit: 50 })).hits)).toEqual(said);
});

test('P5.19: of hits that do not fit one answer the page goes on where it was cut', async () => {
  const { alice, to, conversationId } = await newPair();
  for (let n = 0; n < 20; n++) await alice.send(to, `long ${'x'.repeat(15_000)}`);
  await cloud.settled();
  for (const fields of [{}, { conversationId }]) {
    const { hits, pages } = await find(alice, 'LONG', { limit: 50, ...fields });
    expect(hits.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, index) => 20 - index));
    expect(pages).toBeGreaterThan(2);
  }
});
