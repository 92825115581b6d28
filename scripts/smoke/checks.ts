// What a deployment must do, as its users would notice: each check is a sentence of the table.
import { setTimeout as sleep } from 'node:timers/promises';
import { expectThat, within, type Part } from './run.ts';
import { names, type World } from './world.ts';
import type { Frame, PlainSocket } from './plain-socket.ts';

interface Slot {
  readonly seq: number;
  readonly recalled?: boolean;
  readonly body?: { readonly text?: string };
}

const POLL_MS = 100;

export function checksOf(world: World): Part[] {
  return [entry(world), mainJob(world), offlinePull(world), kick(world), recall(world), group(world)];
}

function entry(world: World): Part {
  return {
    isVital: true,
    checks: [
      { name: 'token: the command prints one for each user', isVital: true, run: () => world.fetchTokens() },
      {
        name: 'connect: users are let in',
        isVital: true,
        run: async () => void (await Promise.all(names.map((name) => world.socket(name)))),
      },
    ],
  };
}

/** With the SDK, as an app has it. */
function mainJob(world: World): Part {
  const text = 'hello from the smoke test';
  let seq = 0;
  let pushed: Promise<unknown> | undefined;
  return {
    checks: [
      {
        name: 'message: the SDK sends it, and it is stored',
        isVital: true,
        async run() {
          const [alice, bob] = [await world.client('a'), await world.client('b')];
          pushed = new Promise((resolve) => {
            bob.on('message', ({ message, delivery }) => {
              if (message.body['text'] === text && delivery === 'live') resolve(undefined);
            });
          });
          const sent = alice.send(`user:${world.userId('b')}`, text).sent;
          ({ seq } = await within(world.timeoutMs, sent, `no answer to send in ${world.timeoutMs} ms`));
          expectThat(seq === 1, `the first message of a conversation has the number ${seq}`);
        },
      },
      {
        name: 'push: the other user is told at once',
        run: async () =>
          void (await within(world.timeoutMs, pushed!, `no push of the message in ${world.timeoutMs} ms`)),
      },
      {
        name: 'history: the other user reads it there',
        async run() {
          const { messages } = await (await world.client('b')).conversation(world.direct).history();
          const found = messages.find((message) => message.seq === seq);
          expectThat(
            found?.body['text'] === text,
            `history has ${messages.length} messages, and not this one`,
          );
        },
      },
      {
        name: 'unread: it counts until it is read, and the sender learns of that',
        async run() {
          const [alice, bob] = [await world.client('a'), await world.client('b')];
          const before = await unreadOf(world);
          expectThat(before === 1, `unread is ${before}, not 1`);
          // Where the push was lost, it has not shown the message yet.
          await bob.sync();
          await bob.conversation(world.direct).markRead(seq);
          await until(world, 'read position that moved', async () => {
            const { readCount } = await alice.conversation(world.direct).receipts(seq);
            return readCount === 1 && (await unreadOf(world)) === 0;
          });
        },
      },
    ],
  };
}

async function unreadOf(world: World): Promise<number | undefined> {
  const answer = await (await world.socket('b')).ask('positions', { conversationIds: [world.direct] });
  return (answer['positions'] as { unread: number }[])[0]?.unread;
}

function offlinePull(world: World): Part {
  const texts = ['one', 'two', 'three'];
  const comeBack = () => world.open('b', 'desktop');
  let bob: PlainSocket;
  let page: Frame;
  return {
    checks: [
      {
        name: 'offline: what came meanwhile is counted',
        isVital: true,
        async run() {
          bob = await comeBack();
          await takeAll(bob);
          await bob.close();
          const alice = await world.socket('a');
          for (const text of texts) await alice.ask('send', world.text(world.direct, text));
          bob = await comeBack();
          await until(world, 'count of 3 waiting messages', async () => {
            const { total } = await bob.ask('pending');
            return total === texts.length;
          });
        },
      },
      {
        name: 'offline: pages bring it, in order',
        isVital: true,
        async run() {
          page = await bob.ask('sync', { limit: 2 });
          const last = await bob.ask('sync', { limit: 2, after: page['next'] });
          const got = [...textsOf(page), ...textsOf(last)];
          expectThat(got.join() === texts.join(), `the pages brought "${got.join()}", not "${texts.join()}"`);
          expectThat(page['more'] === true && last['more'] === false, '`more` of the pages is wrong');
        },
      },
      {
        name: 'offline: asking for the next page acknowledged the one before',
        async run() {
          const { cursor, total } = await bob.ask('pending');
          expectThat(cursor === page['next'], `the cursor is ${String(cursor)}, not ${String(page['next'])}`);
          expectThat(total === 1, `${String(total)} messages wait, not 1`);
          await takeAll(bob);
          await until(
            world,
            'empty list of waiting messages',
            async () => (await bob.ask('pending'))['total'] === 0,
          );
        },
      },
    ],
  };
}

/** To the head, and says so. Bounded: the users are new. */
async function takeAll(socket: PlainSocket): Promise<void> {
  let page = await socket.ask('sync');
  for (let pages = 1; page['more'] === true && pages < 10; pages += 1)
    page = await socket.ask('sync', { after: page['next'] });
  await socket.ask('ping', { cursor: page['next'] });
}

const textsOf = (page: Frame) =>
  (page['events'] as { message?: Slot }[]).map(({ message }) => message?.body?.text ?? 'something else');

function kick(world: World): Part {
  let older: PlainSocket;
  let newer: PlainSocket;
  return {
    checks: [
      {
        name: 'kick: another device of the platform takes over, and the older one is told',
        async run() {
          older = await world.open('a', 'ios', 'smoke-old-phone');
          newer = await world.open('a', 'ios', 'smoke-new-phone');
          const { by } = await older.pushed('kicked');
          const deviceId = (by as { deviceId?: string } | undefined)?.deviceId;
          expectThat(deviceId === 'smoke-new-phone', `it was told of the device ${deviceId}`);
        },
      },
      {
        name: 'kick: the older one is closed, the newer one is not',
        async run() {
          await older.closed();
          await newer.ask('ping');
        },
      },
    ],
  };
}

function recall(world: World): Part {
  return {
    checks: [
      {
        name: 'recall: the other user cannot read it any more',
        async run() {
          const [alice, bob] = [await world.socket('a'), await world.socket('b')];
          const { seq } = await alice.ask('send', world.text(`user:${world.userId('b')}`, 'a mistake'));
          const read = () => slotOf(bob, world.direct, seq as number);
          expectThat((await read())?.body?.text === 'a mistake', 'it could not be read before');
          await alice.ask('recall', { conversationId: world.direct, seq });
          const slot = await read();
          expectThat(slot?.recalled === true, 'it does not count as recalled');
          expectThat(Object.keys(slot.body ?? {}).length === 0, 'its body is still there');
        },
      },
    ],
  };
}

async function slotOf(socket: PlainSocket, conversationId: string, seq: number): Promise<Slot | undefined> {
  const { messages } = await socket.ask('history', { conversationId, after: seq - 1, limit: 1 });
  return (messages as Slot[]).find((slot) => slot.seq === seq);
}

function group(world: World): Part {
  let conversationId: string;
  const add = () => ({ conversationId, users: [world.userId('c')] });
  return {
    checks: [
      {
        name: 'group: it is made, and its members read what is sent',
        isVital: true,
        async run() {
          const [alice, bob] = [await world.socket('a'), await world.socket('b')];
          const members = [world.userId('b')];
          const fields = { clientGroupId: `${world.userId('a')}-g`, title: 'Smoke test', members };
          const made = await alice.ask('createGroup', fields);
          conversationId = made['conversationId'] as string;
          world.atTheEnd(() => alice.ask('dismissGroup', { conversationId }));
          expectThat((made['skipped'] as unknown[]).length === 0, 'a member was skipped');
          const { seq } = await alice.ask('send', world.text(conversationId, 'hello group'));
          const slot = await slotOf(bob, conversationId, seq as number);
          expectThat(slot?.body?.text === 'hello group', 'a member does not find the message in history');
        },
      },
      {
        name: 'group: who is added writes there',
        async run() {
          const { added } = await (await world.socket('a')).ask('addMembers', add());
          expectThat((added as unknown[]).length === 1, 'nobody was added');
          await (await world.socket('c')).ask('send', world.text(conversationId, 'hello'));
        },
      },
      {
        name: 'group: who is removed is no member any more',
        async run() {
          const { removed } = await (await world.socket('a')).ask('removeMembers', add());
          expectThat((removed as unknown[]).length === 1, 'nobody was removed');
          const carol = await world.socket('c');
          await carol.askInVain('send', world.text(conversationId, 'still here?'), 'not_member');
          await carol.askInVain('history', { conversationId }, 'not_member');
        },
      },
    ],
  };
}

/** Of what becomes so some time after an answer. */
async function until(world: World, what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < world.timeoutMs; waited += POLL_MS) {
    if (await isSo()) return;
    await sleep(POLL_MS);
  }
  throw new Error(`no ${what} in ${world.timeoutMs} ms`);
}
