// A session of `im.v1` as it was once recorded, frame by frame, replayed: clients of then keep working. What they asked is
// answered as it was; new fields may come, for clients ignore what they do not know.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

/** Never written anew for a change that breaks it: then clients of then would break, too. A later release adds a file. */
const recording = fileURLToPath(new URL('session-2026-11.json', import.meta.url));

interface Step {
  readonly user: string;
  readonly asked: Readonly<Record<string, unknown>> & { readonly action: string };
  readonly answered: unknown;
  /** What the user had been pushed by then, since their step before. */
  readonly pushed: readonly unknown[];
}

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud?.close());

/** Times and names of mailboxes are of each run, and what an error says in words may change. */
function steady(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => steady(one));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, steady(one, name)]));
  }
  if (key === 'mailbox') return '<mailbox>';
  // Of an error: what people read.
  if (key === 'message' && typeof value === 'string') return '<text>';
  return typeof value === 'number' && value > 1e12 ? '<time>' : value;
}

async function play(steps: readonly Pick<Step, 'user' | 'asked'>[]): Promise<Step[]> {
  const clients = new Map<string, TestClient>();
  const heard = new Map<string, number>();
  const played: Step[] = [];
  for (const { user, asked } of steps) {
    let client = clients.get(user);
    if (!client) clients.set(user, (client = await connect(cloud, user, { deviceId: 'phone' })));
    const { action, ...fields } = asked;
    const { id: _, ...answered } = await client.request(action, fields);
    await cloud.settled();
    played.push({
      user,
      asked,
      answered: steady(answered),
      pushed: client.pushes.slice(heard.get(user)).map((push) => steady(push)),
    });
    heard.set(user, client.pushes.length);
  }
  return played;
}

test('a session of November 2026 is answered as it was', async () => {
  const recorded = JSON.parse(await readFile(recording, 'utf8')) as Step[];
  const played = await play(recorded);
  if (process.env['RECORD']) await writeFile(recording, `${JSON.stringify(played, null, 1)}\n`);
  for (const [index, step] of recorded.entries()) {
    const name = `step ${index}: ${step.user} asks ${step.asked.action}`;
    expect(played[index]!.answered, name).toMatchObject(step.answered as object);
    expect(played[index]!.pushed, name).toMatchObject(step.pushed as object[]);
  }
});
