// The store of files may fail at any moment: whoever does the same again ends what was begun, and messages go on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recall } from '../../src/core/changes.ts';
import type { Caller, Context } from '../../src/core/context.ts';
import { fanOut } from '../../src/core/fan-out.ts';
import { history } from '../../src/core/history.ts';
import { download } from '../../src/core/media/download.ts';
import { upload } from '../../src/core/media/upload.ts';
import { send } from '../../src/core/send.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { noObjects } from '../support/no-objects.ts';
import { startTables, type TestContext, type TestTables } from '../support/tables.ts';

let tables: TestTables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.close());

let scenes = 0;
/** A picture that was sent, and a store that fails as often as it is told, and notes what it did. */
async function newScene(settings: Record<string, number> = {}) {
  const n = ++scenes;
  const [from, to] = [await tables.connect(`a-${n}`), await tables.connect(`b-${n}`)];
  const conversationId = `d:a-${n}:b-${n}`;
  const done: string[] = [];
  let failures = 0;
  const act = (what: string) => async (key: string) => {
    if (failures-- > 0) throw new Error('The store is down');
    done.push(`${what} ${key}`);
  };
  const own = tables.context({ settings });
  const objects = { ...noObjects, keep: act('keep'), delete: act('delete') };
  const ctx: TestContext = { ...own, objects };
  const answer = await upload({ ...ctx, newId: () => 'file' }, from, {
    action: 'upload',
    id: 'u',
    conversationId,
    name: 'a.png',
    size: 1,
    mime: 'image/png',
  });
  if (!answer.ok) throw new Error(answer.error.message);
  const { media } = answer;
  const frame = {
    action: 'send',
    id: 's',
    to: conversationId,
    clientMsgId: 'a-picture',
    type: 'image',
    body: { url: media },
    silent: false,
    ephemeral: false,
  } as ClientFrame<'send'>;
  await send(ctx, from, frame);
  const [message] = await messagesOf(ctx, from, conversationId);
  const key = `c/${conversationId}/file`;
  return {
    ctx,
    from,
    to,
    conversationId,
    media,
    key,
    done,
    message: message!,
    fail: (n: number) => (failures = n),
  };
}

async function messagesOf(ctx: Context, caller: Caller, conversationId: string): Promise<Message[]> {
  const answer = await history(ctx, caller, { action: 'history', id: 'h', conversationId, limit: 10 });
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.messages as Message[];
}

const isOpen = async (ctx: Context, caller: Caller, media: string) =>
  (await download(ctx, caller, { action: 'download', id: 'd', media })).ok;

describe('P5.42: while the store is down', () => {
  test('the message is delivered and pushed, and tried again until its file is kept', async () => {
    const { ctx, to, media, key, done, message, fail } = await newScene();
    fail(1);
    const { failures } = await fanOut(ctx, [message]);
    expect(failures).toMatchObject([{ message: { seq: 1 }, cause: { message: 'The store is down' } }]);
    expect(ctx.pushed.map(({ connectionId }) => connectionId)).toContain(to.connectionId);
    expect(done).toEqual([]);
    expect(await fanOut(ctx, [message])).toMatchObject({ failures: [] });
    expect(await fanOut(ctx, [message])).toMatchObject({ failures: [] });
    expect(done).toEqual([`keep ${key}`, `keep ${key}`]);
    expect(await isOpen(ctx, to, media)).toBe(true);
  });

  test('a message is recalled all the same, and the recall, repeated, deletes the file', async () => {
    const { ctx, from, to, conversationId, media, key, done, message, fail } = await newScene();
    await fanOut(ctx, [message]);
    fail(1);
    const again = () => recall(ctx, from, { action: 'recall', id: 'r', conversationId, seq: 1 });
    await expect(again()).rejects.toThrow('The store is down');
    expect((await messagesOf(ctx, to, conversationId))[0]).toMatchObject({ recalled: true, body: {} });
    expect(await isOpen(ctx, to, media)).toBe(false);
    expect(await again()).toEqual({ ok: true, seq: 2 });
    expect(await again()).toEqual({ ok: true, seq: 2 });
    expect(done).toEqual([`keep ${key}`, `delete ${key}`]);
    // What comes late from the stream finds nothing to keep.
    expect(await fanOut(ctx, [message])).toMatchObject({ failures: [] });
    expect(done).toHaveLength(2);
  });
});

test('P5.42: what is known of a file lives as long as its message', async () => {
  const { ctx, message, conversationId } = await newScene({ messageRetentionDays: 30 });
  await fanOut(ctx, [message]);
  const items = await tables.scan('Conversations');
  const item = items.find((one) => one['conversationId'] === conversationId && one['item'] === 'MEDIA#file');
  expect(item).toMatchObject({ seq: 1, expiresAt: Math.floor(ctx.now() / 1_000) + 30 * 86_400 });
});
