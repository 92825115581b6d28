// The wire is pinned: whoever changes a schema changes a hash here, and says in the changelog what clients see of it.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { clientFrames } from '../../src/protocol/client-frames.ts';
import { errorCatalogue } from '../../src/protocol/errors.ts';
import { userIdSchema } from '../../src/protocol/id-schemas.ts';
import { directConversationId, parseConversationId } from '../../src/protocol/ids.ts';
import { peopleLimits } from '../../src/protocol/client-limits.ts';
import { limits, mediaLimits, searchLimits } from '../../src/protocol/limits.ts';
import { bodySchemas } from '../../src/protocol/messages.ts';
import { pushFrames, refusedFrame, responseFrames } from '../../src/protocol/server-frames.ts';
import { SUBPROTOCOL } from '../../src/protocol/version.ts';

/** A schema as data: what it accepts, without valibot's functions and without the wording of its messages. */
function shape(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(shape);
  if (schema instanceof RegExp) return String(schema);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(
        ([key, value]) =>
          typeof value !== 'function' && !['message', 'expects', 'async', '~standard'].includes(key),
      )
      .map(([key, value]) => [key, shape(value)]),
  );
}

function hash(schema: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(shape(schema)))
    .digest('hex')
    .slice(0, 16);
}

const hashes = (schemas: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, hash(schema)]));

test('the wire schemas of im.v1 are what they were', () => {
  expect(SUBPROTOCOL).toBe('im.v1');
  expect({
    client: hashes(clientFrames),
    bodies: hashes(bodySchemas),
    responses: hashes(responseFrames),
    pushes: hashes(pushFrames),
    refused: hash(refusedFrame),
    errors: hash(errorCatalogue),
    limits: hash({ ...limits, ...peopleLimits, ...searchLimits, ...mediaLimits }),
  }).toMatchInlineSnapshot(`
    {
      "bodies": {
        "custom": "9aea45e7dfe0ae4a",
        "file": "b508e5093452052d",
        "image": "b508e5093452052d",
        "text": "d71fd9afe93a90ac",
        "video": "b508e5093452052d",
        "voice": "b508e5093452052d",
      },
      "client": {
        "ack": "4da2a277e9d62643",
        "addMembers": "2c834a692b27b6bb",
        "block": "f4ee9842c45d845e",
        "blocked": "64469347ba515bb5",
        "contact": "5ec200632eca3038",
        "contacts": "a03d570a6cf9b5b4",
        "conversations": "bf0ffa427c942e3b",
        "createGroup": "40c8fe1b0d7cb317",
        "device": "b674689e81891dc3",
        "dismissGroup": "82d358b31794c2d4",
        "download": "bfb3d151b4d5304a",
        "edit": "c3cf7ec3c38c0cec",
        "group": "3ce4c2bf722251b0",
        "history": "2cee9a9825b54ef1",
        "leaveGroup": "867b4cf27f8b91ba",
        "members": "b46f261a67635091",
        "muteMember": "ba9389645960d228",
        "pending": "ace588876b615ec8",
        "ping": "a36fc56d49bca481",
        "positions": "9322063b305df1c4",
        "preferences": "27eb7236f706ee07",
        "presence": "2854c7b38acdad3a",
        "profile": "f6c4d5cbdf4f9b43",
        "profiles": "350335fe565a3f31",
        "react": "904088bb896768d0",
        "read": "0260de27d5533f87",
        "recall": "82acc17cd1abaa88",
        "receipts": "00fd82a3a97793eb",
        "removeMembers": "e9c06ccf15c0d722",
        "search": "51793572f11a4aea",
        "send": "6241ef2789f2661e",
        "setRole": "b61524974bad9bcd",
        "settings": "3bf5baac84ca6a3c",
        "subscribe": "298e0216286e1058",
        "sync": "95b7e1d02ce21baf",
        "typing": "17818d86bdaa819f",
        "unblock": "8ca2f6015623fa07",
        "unread": "0259d7413c3346aa",
        "unsubscribe": "975af617da7c138e",
        "unwatchPresence": "ee5375375a7abace",
        "updateGroup": "d95de2a749d67eed",
        "upload": "5d2ac670ebe3d17a",
        "watchPresence": "fece921c410106df",
      },
      "errors": "84595dd8af7d2832",
      "limits": "00c274eba2b14b98",
      "pushes": {
        "ephemeral": "25fad3ce5998c5d1",
        "group": "1b594a3b4b078429",
        "kicked": "9a8a0bbace5acf39",
        "presence": "39ba3aa0b6c124d3",
        "read": "55a60d2f98f5d35b",
        "sync": "9f2e0160f98806a1",
        "typing": "90e667259eca1186",
      },
      "refused": "c08e1b785c8aa894",
      "responses": {
        "addMembers": "6e7a400f212346b8",
        "block": "5dedaed275f34443",
        "blocked": "2948b4b860beb0a5",
        "contact": "514fcb9a2f117f20",
        "contacts": "c91de4a4453f8e31",
        "conversations": "0438497953eae32d",
        "createGroup": "c5965da6fc56f02f",
        "device": "5dedaed275f34443",
        "dismissGroup": "5dedaed275f34443",
        "download": "2a8ecf4c9fbd925f",
        "edit": "b802099e6521544f",
        "group": "311892695e626bf3",
        "history": "28ab3190d667093f",
        "leaveGroup": "5dedaed275f34443",
        "members": "73e4639845dfe69c",
        "muteMember": "6bda1bb1309ea677",
        "pending": "7ffc373e831838f9",
        "ping": "d85a1556115c1e63",
        "positions": "75c7e5adaa34ac70",
        "preferences": "9361c4b85f5db96c",
        "presence": "62781896aa74abbe",
        "profile": "b41eb9c6c7e01c4f",
        "profiles": "ad4d7362c2a530ce",
        "react": "4392dd18e76b6141",
        "read": "76a9c2a58fc1caea",
        "recall": "6fb77a7cba0f77a4",
        "receipts": "eda477b5c2d961cb",
        "removeMembers": "03427037b57d1c51",
        "search": "e39794b3633b74a2",
        "send": "1cd2936f1e3a2528",
        "setRole": "5dedaed275f34443",
        "settings": "2fef9d3bed6d9bbf",
        "subscribe": "785cfabc6d3947e9",
        "sync": "d5e0405b31c643e2",
        "typing": "5dedaed275f34443",
        "unblock": "5dedaed275f34443",
        "unread": "db0d2eddb091a1f6",
        "unsubscribe": "5dedaed275f34443",
        "unwatchPresence": "5dedaed275f34443",
        "updateGroup": "311892695e626bf3",
        "upload": "71b0a2e2572d78cc",
        "watchPresence": "62781896aa74abbe",
      },
    }
  `);
});

test('the hash sees a change of a field, of a bound and of a pattern', () => {
  const base = v.object({ name: v.pipe(v.string(), v.maxLength(5), v.regex(/^a/)) });
  const changed = [
    v.object({ title: v.pipe(v.string(), v.maxLength(5), v.regex(/^a/)) }),
    v.object({ name: v.pipe(v.string(), v.maxLength(6), v.regex(/^a/)) }),
    v.object({ name: v.pipe(v.string(), v.maxLength(5), v.regex(/^b/)) }),
    v.object({ name: v.optional(v.pipe(v.string(), v.maxLength(5), v.regex(/^a/))) }),
  ];
  expect(new Set([base, ...changed].map(hash)).size).toBe(5);
});

describe('P3.1: conversation ids', () => {
  const userId = fc.stringMatching(/^[A-Za-z0-9_.@-]{1,64}$/);

  test('a direct conversation has one id, whoever asks, and it reads back', () => {
    fc.assert(
      fc.property(userId, userId, (a, b) => {
        const conversationId = directConversationId(a, b);
        expect(directConversationId(b, a)).toBe(conversationId);
        const parsed = parseConversationId(conversationId);
        expect(parsed).toMatchObject({ kind: 'direct', conversationId });
        expect(parsed?.kind === 'direct' && new Set(parsed.users)).toEqual(new Set([a, b]));
      }),
    );
  });

  test('anything else is none', () => {
    for (const id of [
      '',
      'd:',
      'd:a',
      'd:b:a',
      'd:a:b:c',
      'd:a: b',
      'g:',
      'g:a:b',
      'x:a',
      'd::a',
      `g:${'x'.repeat(65)}`,
    ]) {
      expect(parseConversationId(id), id).toBeUndefined();
    }
  });

  test('no user id holds what separates ids', () => {
    for (const id of ['a:b', 'a#b', 'a!b', 'a b', '', 'ä', 'x'.repeat(65)])
      expect(v.is(userIdSchema, id), id).toBe(false);
  });
});
