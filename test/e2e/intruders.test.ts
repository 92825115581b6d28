// I8: whoever is none of theirs tries everything that there is to ask for: a stranger, one whom the other has blocked, and one
// who was removed from the group. Nothing changes for those concerned, and the intruders learn nothing. A new action needs a
// line in `attempts`.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { clientFrames, type Action } from '../../src/protocol/client-frames.ts';
import {
  attempts,
  BLOCKED,
  DIRECT,
  noAnswer,
  SECRET,
  type Outcome,
  type Place,
} from '../support/attempts.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { aPicture, sendPicture, uploadFile } from '../support/files.ts';

let cloud: Cloud;
let alice: TestClient;
let bob: TestClient;
let places: Record<Intruder, Place>;
let seen: Record<Victim, unknown>;
let pushed: Record<Victim, number>;

type Intruder = 'stranger' | 'strangerToGroup' | 'blocked' | 'removed';
type Victim = 'alice' | 'bob';

async function ask(client: TestClient, action: string, fields: Record<string, unknown> = {}) {
  const { id: _, ok, ...answer } = await client.request(action, fields);
  expect(ok, `${action}: ${JSON.stringify(answer)}`).toBe(true);
  return answer;
}
const seqOf = async (answer: Promise<Frame>) => {
  const { seq } = await answer;
  expect(seq).toEqual(expect.any(Number));
  return seq as number;
};

beforeAll(async () => {
  cloud = await startCloud();
  [alice, bob] = [await connect(cloud, 'alice'), await connect(cloud, 'bob')];
  const eve = await connect(cloud, 'eve');
  const brute = await connect(cloud, 'brute');
  const mallory = await connect(cloud, 'mallory');

  const seq = await seqOf(alice.send(DIRECT, `${SECRET} one`));
  const file = await sendSecretFile(DIRECT);
  await ask(bob, 'react', { conversationId: DIRECT, seq, emoji: SECRET });
  await ask(alice, 'settings', { conversationId: DIRECT, draft: SECRET });
  await ask(alice, 'contact', { userId: 'bob', alias: SECRET });
  await ask(alice, 'profile', { name: 'Alice' });

  const own = await seqOf(brute.send(BLOCKED, 'rude'));
  const toBrute = await seqOf(alice.send(BLOCKED, 'leave me alone'));
  await ask(alice, 'block', { userId: 'brute' });
  await ask(alice, 'read', { conversationId: BLOCKED, seq: own });
  await ask(alice, 'settings', { conversationId: BLOCKED, draft: SECRET, clearedSeq: own });

  const group = await useGroup(mallory);
  await cloud.settled();
  const common = { group: group.conversationId };
  places = {
    stranger: { client: eve, userId: 'eve', conversationId: DIRECT, seq, own: seq, media: file, ...common },
    strangerToGroup: { ...group, client: eve, userId: 'eve', ...common },
    blocked: {
      client: brute,
      userId: 'brute',
      conversationId: BLOCKED,
      seq: toBrute,
      own,
      media: file,
      ...common,
    },
    removed: { ...group, client: mallory, userId: 'mallory', ...common },
  };
  seen = { alice: await lookOf(alice), bob: await lookOf(bob) };
  expect(JSON.stringify(seen)).toContain(SECRET);
  pushed = { alice: alice.pushes.length, bob: bob.pushes.length };
});
afterAll(() => cloud.close());

/** @returns the file's name. */
async function sendSecretFile(to: string): Promise<string> {
  const { media } = await uploadFile(alice, to);
  const body = { ...aPicture, name: `${SECRET}.png`, url: media };
  await seqOf(alice.request('send', { to, clientMsgId: 'secret-file', type: 'image', body }));
  return media;
}

/** Mallory was in it, wrote and read; what came then is not for her. */
async function useGroup(mallory: TestClient) {
  const created = { clientGroupId: 'the-group', title: 'All', members: ['bob', 'mallory'] };
  const conversationId = (await ask(alice, 'createGroup', created))['conversationId'] as string;
  const own = await seqOf(mallory.send(conversationId, 'I was here'));
  const seq = await seqOf(alice.send(conversationId, 'welcome'));
  await sendPicture(alice, conversationId, await uploadFile(alice, conversationId));
  await ask(alice, 'removeMembers', { conversationId, users: ['mallory'] });
  await ask(alice, 'updateGroup', { conversationId, title: SECRET, announcement: SECRET });
  await seqOf(alice.send(conversationId, `${SECRET} two`));
  const change = { clientMsgId: 'changed-since', body: { text: `${SECRET} three` } };
  await ask(alice, 'edit', { conversationId, seq, ...change });
  await ask(bob, 'react', { conversationId, seq: own, emoji: SECRET });
  const media = await sendSecretFile(conversationId);
  return { conversationId, seq, own, media };
}

/** All that a member sees. */
async function lookOf(client: TestClient) {
  const conversations = (await ask(client, 'conversations'))['conversations'] as { conversationId: string }[];
  const looks = await Promise.all(
    conversations.map(async ({ conversationId }) => ({
      history: await ask(client, 'history', { conversationId }),
      positions: await ask(client, 'positions', { conversationIds: [conversationId] }),
      receipts: { ...(await client.request('receipts', { conversationId, seq: 2 })), id: '' },
      ...(conversationId.startsWith('g:') && {
        group: await ask(client, 'group', { conversationId }),
        members: await ask(client, 'members', { conversationId }),
      }),
    })),
  );
  const users = ['alice', 'bob'];
  return {
    conversations,
    looks,
    // Nothing came into the mailbox, either.
    head: (await ask(client, 'ping'))['head'],
    unread: await ask(client, 'unread'),
    profiles: await ask(client, 'profiles', { users }),
    contacts: await ask(client, 'contacts'),
    blocked: await ask(client, 'blocked'),
    preferences: await ask(client, 'preferences'),
  };
}

const intruders: readonly Intruder[] = ['stranger', 'strangerToGroup', 'blocked', 'removed'];

describe('I8, P5.21, P5.34, P5.41: nothing of others is learned or changed by', () => {
  test.each(Object.keys(clientFrames))('%s', async (action) => {
    expect(attempts, `What comes of ${action} for those who are not concerned?`).toHaveProperty(action);
    for (const { fields, ...outcomes } of attempts[action as Action]) {
      for (const intruder of intruders) {
        const place = places[intruder];
        const outcome = outcomes[intruder === 'strangerToGroup' ? 'stranger' : intruder];
        expect([intruder, await outcomeOf(place.client, action, fields(place))]).toEqual([intruder, outcome]);
      }
    }
  });

  test('all of them together: those concerned see and hear nothing of it', async () => {
    await cloud.settled();
    expect(await lookOf(alice)).toEqual(seen.alice);
    expect(await lookOf(bob)).toEqual(seen.bob);
    expect(alice.pushes.slice(pushed.alice)).toEqual([]);
    expect(bob.pushes.slice(pushed.bob)).toEqual([]);
  });

  test('all of them together: no frame to an intruder holds anything of theirs', () => {
    for (const { client, userId } of Object.values(places)) {
      expect(client.frames.length).toBeGreaterThan(20);
      for (const frame of client.frames) {
        expect(JSON.stringify(frame), `to ${userId}`).not.toContain(SECRET);
      }
    }
  });
});

async function outcomeOf(
  client: TestClient,
  action: string,
  fields: Record<string, unknown>,
): Promise<Outcome> {
  if (action === 'ack') {
    client.sendText(JSON.stringify({ action, ...fields }));
    return noAnswer;
  }
  const { id: _, ok, error, ...answer } = await client.request(action, fields);
  return ok ? answer : (error as { code: string }).code;
}
