// P5.19: a search as a whole. However it is cut into pages, and whatever is sent meanwhile, each message that matches comes
// once; mailboxes that hold messages in another order, twice, or not at all make no difference.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recall } from '../../src/core/changes.ts';
import type { Caller, Context } from '../../src/core/context.ts';
import { encodeEntry } from '../../src/core/entries.ts';
import { appendPointers } from '../../src/core/mailbox.ts';
import { search } from '../../src/core/search/search.ts';
import { send } from '../../src/core/send.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { startTables, type TestContext, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-25T12:00:00Z') };
const DAY_MS = 86_400_000;
let tables: TestTables;
let ctx: TestContext;
beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context({ settings: { searchesPerMinute: 10_000 } });
});
afterAll(() => tables.close());

interface Sent {
  readonly peer: string;
  readonly seq: number;
}

let worlds = 0;
async function newWorld(peerCount = 3) {
  const n = ++worlds;
  const alice = await tables.connect(`alice-${n}`);
  const peers: Caller[] = [];
  for (let peer = 0; peer < peerCount; peer++) peers.push(await tables.connect(`peer-${n}-${peer}`));
  let messages = 0;
  const say = async (peer: number, text: string): Promise<Sent> => {
    clock.now += 10;
    const { userId } = peers[peer]!;
    const answer = await send(ctx, peers[peer]!, {
      action: 'send',
      id: 's',
      to: `user:${alice.userId}`,
      clientMsgId: `message-${++messages}`,
      type: 'text',
      body: { text },
      silent: false,
      ephemeral: false,
    });
    if (!answer.ok) throw new Error(answer.error.message);
    return { peer: userId, seq: answer.seq! };
  };
  const tell = ({ peer, seq }: Sent) =>
    appendPointers(ctx, alice.userId, [encodeEntry({ conversationId: '', peer, seq })]);
  return { alice, peers, say, tell, conversationId: (peer: number) => `d:${alice.userId}:peer-${n}-${peer}` };
}

async function page(context: Context, caller: Caller, fields: Partial<ClientFrame<'search'>> = {}) {
  const answer = await search(context, caller, {
    action: 'search',
    id: 'q',
    query: 'yes',
    limit: 20,
    ...fields,
  });
  if (!answer.ok) throw new Error(answer.error.message);
  return answer;
}

const nameOf = ({ conversationId, seq }: Message) => `${conversationId.split(':')[2]}#${seq}`;
const nameOfSent = ({ peer, seq }: Sent) => `${peer}#${seq}`;

/** All pages, with what happens between them. */
async function pages(
  caller: Caller,
  fields: Partial<ClientFrame<'search'>>,
  limits: readonly number[],
  between: () => Promise<unknown>,
): Promise<Message[][]> {
  const found: Message[][] = [];
  let next: string | undefined;
  for (let round = 0; round === 0 || next !== undefined; round++) {
    expect(round).toBeLessThan(200);
    const limit = limits[round % limits.length]!;
    const answer = await page(ctx, caller, { ...fields, limit, ...(next && { cursor: next }) });
    expect(answer.hits.length).toBeLessThanOrEqual(limit);
    const again = await page(ctx, caller, { ...fields, limit, ...(next && { cursor: next }) });
    if (next !== undefined) expect(again).toEqual(answer);
    found.push(answer.hits);
    next = answer.next;
    await between();
  }
  return found;
}

const limits = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });

describe('each message that matches comes once, whatever is sent meanwhile', () => {
  test('in one conversation, the newest first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 25 }), limits, async (matching, pageLimits) => {
        const { alice, say, conversationId } = await newWorld(1);
        const expected: number[] = [];
        for (const matches of matching) {
          const { seq } = await say(0, matches ? 'oh YES' : 'no');
          if (matches) expected.unshift(seq);
        }
        const found = await pages(alice, { conversationId: conversationId(0) }, pageLimits, () =>
          say(0, 'yes'),
        );
        // What came between the first page and its repetition is none of the search's.
        expect(found.flat().map(({ seq }) => seq)).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  const message = fc.record({
    peer: fc.nat(2),
    matches: fc.boolean(),
    /** How often it stands in the mailbox, and whether it came late. */
    told: fc.constantFrom(0, 1, 1, 1, 2),
    late: fc.boolean(),
  });
  test('in all of them: as far as mailboxes tell in the order in which messages came, then by conversation', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 25 }),
        limits,
        fc.boolean(),
        async (script, pageLimits, isFar) => {
          const { alice, say, tell } = await newWorld();
          const expected: string[] = [];
          const late: Sent[] = [];
          const inOrder: string[] = [];
          const halfway = Math.floor(script.length / 2);
          for (const [index, { peer, matches, told, late: isLate }] of script.entries()) {
            // What is further back than the search looks in the mailbox.
            if (isFar && index === halfway) {
              const entries = Array.from({ length: 520 }, (_, version) =>
                encodeEntry({ conversationId: '', peer: 'peer', change: 'settings', version }),
              );
              await appendPointers(ctx, alice.userId, entries);
              inOrder.length = 0;
            }
            const sent = await say(peer, matches ? 'yes!' : 'no');
            if (matches) expected.push(nameOfSent(sent));
            if (isLate && told > 0) late.push(sent);
            else for (let n = 0; n < told; n++) await tell(sent);
            if (matches && told > 0 && !isLate) inOrder.unshift(nameOfSent(sent));
          }
          for (const sent of late) await tell(sent);
          clock.now += 1;
          const found = await pages(alice, {}, pageLimits, async () => tell(await say(0, 'yes, and later')));
          expect(found.flat().map(nameOf).toSorted()).toEqual(expected.toSorted());
          const names = found.flat().map(nameOf);
          expect(names.filter((name) => inOrder.includes(name))).toEqual(inOrder);
          for (const hits of found) {
            const times = hits.map(({ serverTime }) => serverTime);
            expect(times).toEqual(times.toSorted((left, right) => right - left));
          }
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);
});

test('where mailbox pages ended since, what stood in them is found in its conversation, and an old cursor is none', async () => {
  const { alice, say, tell } = await newWorld();
  const sent: Sent[] = [];
  for (let n = 0; n < 40; n++) sent.push(await say(n % 3, 'yes'));
  for (const one of sent) await tell(one);
  clock.now += 1;
  const { next } = await page(ctx, alice, { limit: 5 });
  clock.now += 31 * DAY_MS;
  const late = await search(ctx, alice, { action: 'search', id: 'q', query: 'yes', limit: 5, cursor: next! });
  expect(late).toMatchObject({ ok: false, error: { code: 'bad_request' } });
  const found = await pages(alice, {}, [7], async () => {});
  expect(found.flat().map(nameOf).toSorted()).toEqual(sent.map(nameOfSent).toSorted());
});

test('I7: what is recalled while a search reads is not in its answer', async () => {
  const { alice, peers, say, conversationId } = await newWorld(1);
  const { seq } = await say(0, 'yes, a secret');
  let recalled = false;
  const context = tables.context({
    beforeRequest: async (request) => {
      // Rate, membership, timeline; then what was found is looked at again.
      if (request !== 4) return;
      await recall(ctx, peers[0]!, { action: 'recall', id: 'r', conversationId: conversationId(0), seq });
      recalled = true;
    },
  });
  expect(await page(context, alice, { conversationId: conversationId(0) })).toEqual({
    ok: true,
    hits: [],
    scanned: 1,
  });
  expect(recalled).toBe(true);
});

test('messages that have expired are not found, whether they were removed or not', async () => {
  const { alice, say, tell, conversationId } = await newWorld(1);
  const short = tables.context({ settings: { messageRetentionDays: 1, searchesPerMinute: 10_000 } });
  Object.assign(ctx, { settings: short.settings });
  const old = await say(0, 'yes, long ago');
  await tell(old);
  clock.now += 2 * DAY_MS;
  const young = await say(0, 'yes, just now');
  await tell(young);
  for (const fields of [{}, { conversationId: conversationId(0) }]) {
    const { hits } = await page(ctx, alice, fields);
    expect(hits.map(({ seq }) => seq)).toEqual([young.seq]);
  }
});

test('a user searches so often a minute, pages included', async () => {
  const { alice } = await newWorld(1);
  const strict = tables.context({ settings: { searchesPerMinute: 2 } });
  const ask = () => search(strict, alice, { action: 'search', id: 'q', query: 'yes', limit: 20 });
  expect([(await ask()).ok, (await ask()).ok]).toEqual([true, true]);
  expect(await ask()).toMatchObject({
    error: { code: 'rate_limited', retryable: true, retryAfterMs: 30_000 },
  });
  clock.now += 30_000;
  expect(await ask()).toMatchObject({ ok: true, hits: [], scanned: 0 });
});
