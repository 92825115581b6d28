// B19: what a search reads, by the meters of the local cloud.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

const LARGEST = 16 * 1024 - '{"text":""}'.length;
const conversationId = (name: string) => `d:${name}:to-${name}`;

let cloud: Cloud;
const clients = new Map<string, TestClient>();
const lengths: Record<string, readonly number[]> = {
  small: Array.from({ length: 1_000 }, () => 100),
  large: Array.from({ length: 150 }, () => LARGEST),
  // The newest first that are read are small; below them stand large ones.
  jump: [...Array.from({ length: 150 }, () => LARGEST), ...Array.from({ length: 400 }, () => 100)],
};
beforeAll(async () => {
  cloud = await startCloud();
  for (const [name, texts] of Object.entries(lengths)) {
    clients.set(name, await connect(cloud, name));
    const sender = await connect(cloud, `to-${name}`);
    for (const length of texts) await sender.send(`user:${name}`, 'x'.repeat(length));
  }
  await cloud.settled();
}, 300_000);
afterAll(() => cloud.close());

interface Page {
  readonly scanned: number;
  readonly hits: unknown[];
  readonly next?: string;
  readonly units: number;
  readonly writeUnits: number;
  readonly requests: number;
}

async function pages(name: string, fields: Record<string, unknown>): Promise<Page[]> {
  const found: Page[] = [];
  let cursor: string | undefined;
  do {
    cloud.resetMetrics();
    const answer = await clients.get(name)!.request('search', { ...fields, ...(cursor && { cursor }) });
    expect(answer).toMatchObject({ ok: true });
    const { readUnits, writeUnits, requests } = cloud.metrics().dynamodb.byFunction['search']!;
    const page = { ...(answer as unknown as Page), units: readUnits, writeUnits, requests };
    found.push(page);
    cursor = page.next;
  } while (cursor !== undefined);
  return found;
}

const total = (found: readonly Page[], field: 'scanned' | 'units') =>
  found.reduce((sum, page) => sum + page[field], 0);

describe('B19: a search in vain', () => {
  test('of one conversation of 1,000 messages of 100 characters is one request, and reads 40 units at most', async () => {
    const found = await pages('small', { query: 'nowhere', conversationId: conversationId('small') });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ scanned: 1_000, hits: [], writeUnits: 1 });
    expect(found[0]!.units).toBeLessThanOrEqual(40);
    expect(found[0]!.requests).toBeLessThanOrEqual(7);
  });

  test('of all conversations reads little more', async () => {
    const found = await pages('small', { query: 'nowhere' });
    expect(found).toHaveLength(1);
    expect(total(found, 'scanned')).toBe(1_000);
    expect(total(found, 'units')).toBeLessThanOrEqual(70);
  });

  test.each(['large', 'small'])('reads a megabyte a request at most, where messages are %s', async (name) => {
    for (const fields of [{ conversationId: conversationId(name) }, {}]) {
      const found = await pages(name, { query: 'nowhere', ...fields });
      expect(total(found, 'scanned')).toBe(lengths[name]!.length);
      for (const { units } of found) expect(units).toBeLessThanOrEqual(130);
    }
  });

  test('and half as much again, where they suddenly get larger', async () => {
    const found = await pages('jump', { query: 'nowhere', conversationId: conversationId('jump') });
    expect(total(found, 'scanned')).toBe(550);
    expect(found.length).toBeGreaterThan(1);
    for (const { units } of found) expect(units).toBeLessThanOrEqual(195);
  });
});

test('B19: what is common is found without reading on: twenty hits are a unit each, and a few', async () => {
  cloud.resetMetrics();
  const fields = { query: 'XX', conversationId: conversationId('small') };
  const answer = await clients.get('small')!.request('search', fields);
  expect(answer).toMatchObject({ ok: true, scanned: 20 });
  expect(answer['hits']).toHaveLength(20);
  expect(cloud.metrics().dynamodb.byFunction['search']!.readUnits).toBeLessThanOrEqual(20 + 4);
});
