// Files, over real sockets and the store's own HTTP: who may put them there, and who gets them.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';
import {
  aPicture,
  askForPlace,
  fetchFile,
  put,
  sendPicture,
  uploadFile,
  type Place,
} from '../support/files.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"uploadsPerMinute":20,"pushFreshMs":0}' } });
});
afterAll(() => cloud.close());

const day = 86_400_000;
let pairs = 0;
/** Two users who have spoken. */
async function aPair() {
  const [a, b] = [`ann-${++pairs}`, `ben-${pairs}`];
  const [ann, ben] = [await connect(cloud, a), await connect(cloud, b)];
  await ann.send(`user:${b}`, 'hi');
  return { ann, ben, conversationId: `d:${a}:${b}` };
}

async function aGroup(members: readonly string[], policy: Record<string, string> = {}) {
  const clients = await Promise.all(members.map((member) => connect(cloud, member)));
  const created = await clients[0]!.request('createGroup', {
    clientGroupId: randomUUID(),
    title: 'All',
    members: members.slice(1),
    policy,
  });
  return { group: created['conversationId'] as string, clients };
}

const codeOf = (answer: Frame) => (answer['error'] as { code: string } | undefined)?.code;
const storeSays = async (response: Response) =>
  [response.status, /<Code>(.*)<\/Code>/.exec(await response.text())?.[1]] as const;
const seqOf = (answer: Frame) => answer['seq'] as number;

describe('P5.40: a picture', () => {
  test('is put into the store, sent, and had by the other one, under its name', async () => {
    const { ann, ben, conversationId } = await aPair();
    const place = await askForPlace(ann, { conversationId });
    expect(place).toMatchObject({
      method: 'PUT',
      media: expect.stringMatching(`^media:c/${conversationId}/[\\w-]{22}$`),
    });
    expect(place.expiresAt - Date.now()).toBeGreaterThan(14 * 60_000);
    expect(place.expiresAt - Date.now()).toBeLessThanOrEqual(15 * 60_000);
    expect((await put(place, 'picture')).status).toBe(200);
    const sent = await sendPicture(ann, conversationId, place);
    await cloud.settled();
    expect(await fetchFile(ben, place.media)).toBe('picture');
    const { url } = await ben.request('download', { media: place.media, conversationId, seq: sent['seq'] });
    const had = await fetch(url as string, { headers: { range: 'bytes=0-2' } });
    expect([had.status, await had.text(), had.headers.get('content-type')]).toEqual([
      206,
      'pic',
      'image/png',
    ]);
    expect(had.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''holiday.png");
  });

  test('is its uploader’s alone until a message names it, and with the message’s number nobody waits', async () => {
    const { ann, ben, conversationId } = await aPair();
    const { media } = await uploadFile(ann, conversationId);
    expect(await fetchFile(ann, media)).toBe('picture');
    expect(await fetchFile(ben, media)).toBe('not_found');
    const { seq } = await sendPicture(ann, conversationId, { media });
    expect(await fetchFile(ben, media, { seq })).toBe('picture');
    // A number of another message helps nobody.
    expect(await fetchFile(ben, media, { seq: 1 })).toBe('not_found');
  });

  test('may begin a conversation', async () => {
    const [cat] = [await connect(cloud, 'cat'), await connect(cloud, 'dan')];
    const place = await uploadFile(cat, 'd:cat:dan');
    expect(seqOf(await sendPicture(cat, 'user:dan', place))).toBe(1);
    await cloud.settled();
    expect(await fetchFile(await connect(cloud, 'dan'), place.media)).toBe('picture');
  });

  test('of another size or type is refused by the store, and none takes its place', async () => {
    const { ann, conversationId } = await aPair();
    const place = await askForPlace(ann, { conversationId });
    const mismatch = [403, 'SignatureDoesNotMatch'];
    expect(await storeSays(await put(place, 'a longer one'))).toEqual(mismatch);
    expect(await storeSays(await put(place, 'small'))).toEqual(mismatch);
    expect(await storeSays(await put(place, 'picture', { 'content-type': 'text/html' }))).toEqual(mismatch);
    const { 'x-amz-tagging': _, ...untagged } = place.headers;
    expect(await storeSays(await put({ ...place, headers: untagged }, 'picture'))).toEqual(mismatch);
    expect((await put(place, 'picture')).status).toBe(200);
    expect(await storeSays(await put(place, 'another'))).toEqual([412, 'PreconditionFailed']);
    expect(await fetchFile(ann, place.media)).toBe('picture');
  });

  test('that is asked for wrongly is refused, with the field', async () => {
    const { ann, conversationId } = await aPair();
    const refused = async (fields: Record<string, unknown>) => {
      const { error } = await ann.request('upload', { ...aPicture, conversationId, ...fields });
      const { code, message } = error as { code: string; message: string };
      return [code, message.split(':')[0]];
    };
    expect(await refused({ size: 0 })).toEqual(['bad_request', 'size']);
    expect(await refused({ size: 100 * 1024 * 1024 + 1 })).toEqual(['too_large', 'size']);
    expect(await refused({ conversationId: undefined, size: 6 * 1024 * 1024 })).toEqual([
      'too_large',
      'size',
    ]);
    expect(await refused({ mime: 'image' })).toEqual(['bad_request', 'mime']);
    expect(await refused({ mime: `image/${'x'.repeat(122)}` })).toEqual(['bad_request', 'mime']);
    expect(await refused({ name: '' })).toEqual(['bad_request', 'name']);
    expect(await refused({ name: 'x'.repeat(256) })).toEqual(['bad_request', 'name']);
    expect(codeOf(await ann.request('download', { media: 'https://example.com/a' }))).toBe('bad_request');
    expect(await fetchFile(ann, 'media:c/nowhere/x')).toBe('not_found');
    expect(await fetchFile(ann, `media:c/${conversationId}/x/../y`)).toBe('not_found');
  });

  test('too many of which are rate_limited', async () => {
    const eve = await connect(cloud, 'eve');
    const answers = await Promise.all(Array.from({ length: 25 }, () => eve.request('upload', aPicture)));
    const refused = answers.filter(({ ok }) => !ok);
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused.map(codeOf))).toEqual(new Set(['rate_limited']));
  });
});

describe('P5.41: a file of a conversation', () => {
  test('is nothing for strangers, and a message elsewhere opens it to nobody', async () => {
    const { ann, ben, conversationId } = await aPair();
    const place = await uploadFile(ann, conversationId);
    await sendPicture(ann, conversationId, place);
    const [fay, gus] = [await connect(cloud, `fay-${pairs}`), await connect(cloud, `gus-${pairs}`)];
    expect(codeOf(await fay.request('upload', { ...aPicture, conversationId }))).toBe('not_member');
    expect(codeOf(await fay.request('upload', { ...aPicture, conversationId: 'g:nowhere' }))).toBe(
      'not_member',
    );
    expect(await fetchFile(fay, place.media)).toBe('not_member');
    // Ben tells fay of it, and fay gus: they have its name, and nothing else.
    const { seq } = await sendPicture(ben, `user:fay-${pairs}`, place);
    await sendPicture(fay, `user:gus-${pairs}`, place);
    await cloud.settled();
    expect(await fetchFile(fay, place.media, { seq })).toBe('not_member');
    expect(await fetchFile(gus, place.media)).toBe('not_member');
    expect(await fetchFile(fay, place.media, { conversationId: `d:ben-${pairs}:fay-${pairs}` })).toBe(
      'not_found',
    );
    expect(await fetchFile(ben, place.media)).toBe('picture');
  });

  test('is the message’s of who uploaded it: another’s that names it first takes nothing', async () => {
    const { ann, ben, conversationId } = await aPair();
    const place = await uploadFile(ann, conversationId);
    const stolen = await sendPicture(ben, conversationId, place);
    await cloud.settled();
    expect(await fetchFile(ben, place.media, { seq: seqOf(stolen) })).toBe('not_found');
    await sendPicture(ann, conversationId, place);
    await cloud.settled();
    await ben.request('recall', { conversationId, seq: seqOf(stolen) });
    expect(await fetchFile(ben, place.media)).toBe('picture');
  });

  test('is not for who is blocked or muted to put there', async () => {
    const { ann, ben, conversationId } = await aPair();
    await ben.request('block', { userId: `ann-${pairs}` });
    expect(codeOf(await ann.request('upload', { ...aPicture, conversationId }))).toBe('blocked');
    const { group, clients } = await aGroup(['hal', 'ida']);
    await clients[0]!.request('muteMember', { conversationId: group, userId: 'ida', seconds: 60 });
    expect(codeOf(await clients[1]!.request('upload', { ...aPicture, conversationId: group }))).toBe('muted');
  });

  test('is nothing for who was removed, or came later; unless all may be seen', async () => {
    for (const history of ['joined', 'all']) {
      const [owner, member, late] = ['owner', 'member', 'late'].map((name) => `${name}-${history}`);
      const { group, clients } = await aGroup([owner!, member!], { history });
      const newcomer = await connect(cloud, late!);
      const place = await uploadFile(clients[0]!, group);
      const { seq } = await sendPicture(clients[0]!, group, place);
      await cloud.settled();
      await clients[0]!.request('addMembers', { conversationId: group, users: [late] });
      const seen = history === 'all' ? 'picture' : 'not_found';
      expect(await fetchFile(newcomer, place.media)).toBe(seen);
      expect(await fetchFile(newcomer, place.media, { seq })).toBe(seen);
      expect(await fetchFile(clients[1]!, place.media)).toBe('picture');
      await clients[0]!.request('removeMembers', { conversationId: group, users: [member] });
      expect(await fetchFile(clients[1]!, place.media)).toBe('not_member');
      await clients[0]!.request('settings', { conversationId: group, clearedSeq: seq });
      expect(await fetchFile(clients[0]!, place.media)).toBe('not_found');
    }
  });
});

describe('P5.42: a file', () => {
  const stillThere = async (place: Place, client: TestClient) => fetchFile(client, place.media);

  test('goes with its message: recalled, it is gone from the store, for URLs that were given out as well', async () => {
    const { ann, ben, conversationId } = await aPair();
    const place = await uploadFile(ann, conversationId);
    const { seq } = await sendPicture(ann, conversationId, place);
    await cloud.settled();
    const { url } = await ben.request('download', { media: place.media });
    expect((await fetch(url as string)).status).toBe(200);
    const recalled = await ann.request('recall', { conversationId, seq });
    expect(recalled.ok).toBe(true);
    expect(await storeSays(await fetch(url as string))).toEqual([404, 'NoSuchKey']);
    expect(await stillThere(place, ben)).toBe('not_found');
    expect(await fetchFile(ann, place.media, { seq })).toBe('not_found');
    expect(await ann.request('recall', { conversationId, seq })).toMatchObject({ seq: recalled['seq'] });
    const [, , id] = place.media.split('/');
    expect(JSON.stringify(await scan(cloud, 'Conversations'))).not.toContain(id);
  });

  test('is gone even if its message is recalled before the stream has seen it', async () => {
    const { ann, ben, conversationId } = await aPair();
    const place = await uploadFile(ann, conversationId);
    cloud.setFaults({ stream: { delayMs: [300, 400] } });
    const { seq } = await sendPicture(ann, conversationId, place);
    const { url } = await ben.request('download', { media: place.media, seq });
    await ann.request('recall', { conversationId, seq });
    await cloud.settled();
    cloud.clearFaults();
    expect((await fetch(url as string)).status).toBe(404);
    expect(await stillThere(place, ann)).toBe('not_found');
  });

  test('that a message names no longer goes, and the one that it was edited to stays', async () => {
    const { ann, ben, conversationId } = await aPair();
    const [first, second] = [await uploadFile(ann, conversationId), await uploadFile(ann, conversationId)];
    const { seq } = await sendPicture(ann, conversationId, first);
    await cloud.settled();
    const body = { ...aPicture, url: second.media };
    const edited = { conversationId, seq, clientMsgId: randomUUID(), body };
    expect(await ann.request('edit', edited)).toMatchObject({ ok: true });
    expect(await ann.request('edit', edited)).toMatchObject({ ok: true });
    await cloud.expireMedia(Date.now() + 3 * day);
    expect([await stillThere(first, ben), await stillThere(second, ben)]).toEqual(['not_found', 'picture']);
  });

  test('that no message names is gone after a day, and one that some does is not', async () => {
    const { ann, ben, conversationId } = await aPair();
    const [named, unnamed] = [await uploadFile(ann, conversationId), await uploadFile(ann, conversationId)];
    await sendPicture(ann, conversationId, named);
    await cloud.settled();
    await cloud.expireMedia(Date.now());
    expect(await stillThere(unnamed, ann)).toBe('picture');
    await cloud.expireMedia(Date.now() + 3 * day);
    expect(await stillThere(unnamed, ann)).toBe(404);
    expect(await stillThere(named, ben)).toBe('picture');
    const items = (await scan(cloud, 'Conversations')).filter(({ item }) =>
      String(item).startsWith('MEDIA#'),
    );
    const endOf = ({ media }: Place) =>
      items.find(({ item }) => item === `MEDIA#${media.split('/')[2]}`)?.['expiresAt'];
    expect(endOf(named)).toBeUndefined();
    expect(Number(endOf(unnamed)) * 1000 - Date.now()).toBeLessThanOrEqual(day);
  });

  test('of no conversation is for everybody', async () => {
    const [jay, kim] = [await connect(cloud, 'jay'), await connect(cloud, 'kim')];
    const place = await uploadFile(jay);
    expect(place.media).toMatch(/^media:p\/jay\//);
    expect(await jay.request('profile', { avatar: place.media })).toMatchObject({ avatar: place.media });
    await cloud.expireMedia(Date.now() + 3 * day);
    expect(await stillThere(place, kim)).toBe('picture');
  });

  test('that was sent costs a message of text nothing, and is one update more', async () => {
    const { ann, conversationId } = await aPair();
    const place = await uploadFile(ann, conversationId);
    const unitsOf = async (send: () => Promise<Frame>) => {
      await cloud.settled();
      cloud.resetMetrics();
      await send();
      await cloud.settled();
      return cloud.metrics().dynamodb.writeUnits;
    };
    const text = await unitsOf(() => ann.send(conversationId, 'text'));
    const picture = await unitsOf(() => sendPicture(ann, conversationId, place));
    expect(text).toBeLessThanOrEqual(6);
    expect(picture).toBeLessThanOrEqual(text + 2);
  });
});
