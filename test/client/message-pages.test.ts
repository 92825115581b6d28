// Going to one message of a conversation: whatever comes between, and in whatever order, the list stays there.
import { expect, test } from 'vitest';
import type { Client } from '../../src/client/client.ts';
import { messageSource } from '../../src/client/react/messages.ts';
import { range } from './devices.ts';

const message = (seq: number) => ({ seq, from: 'ann', clientMsgId: `m${seq}` });
/** Until all that is due now has been done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

interface Query {
  readonly before?: number;
  readonly after?: number;
}

/** A list over a conversation that has come to this device up to `arrived`; a reading waits while it is held. */
async function openList(arrived: number) {
  const listeners = new Map<string, (payload: unknown) => void>();
  const on = (name: string, listener: (payload: unknown) => void) => {
    listeners.set(name, listener);
    return () => {};
  };
  const held: (() => void)[] = [];
  const state = { arrived, isHeld: false, unsent: [] as { clientMsgId: string }[] };
  const messages = async ({ before, after }: Query) => {
    const here = range(state.arrived);
    const page =
      after === undefined
        ? here.filter((seq) => seq < (before ?? Infinity)).slice(-50)
        : here.filter((seq) => seq > after).slice(0, 50);
    if (state.isHeld) await new Promise<void>((resolve) => held.push(resolve));
    return page.map(message);
  };
  const conversation = { on, messages, unsent: () => state.unsent };
  const client = { userId: 'ann', on, conversation: () => conversation } as unknown as Client;
  const list = messageSource(client, 'g:1');
  list.subscribe(() => {});
  await settled();
  return {
    list,
    state,
    emit: (name: string, payload: unknown = {}) => listeners.get(name)!(payload),
    /** Comes to this device, one after the other. */
    arrive: (last: number) => {
      while (state.arrived < last) listeners.get('message')!({ message: message(++state.arrived) });
    },
    release: async () => {
      await settled();
      held.shift()!();
      await settled();
    },
    shown: () => {
      const { messages: all, start, hasOlder, hasNewer } = list.get();
      return { first: all[0]?.seq, last: all.at(-1)?.seq, from: start.seq, hasOlder, hasNewer };
    },
  };
}

test('a message that comes to this device between two readings, or after them: from there on, with all that is above it', async () => {
  const between = await openList(0);
  between.state.isHeld = true;
  void between.list.showFrom(80);
  await settled();
  between.arrive(100);
  between.state.isHeld = false;
  await between.release();
  expect(between.shown()).toEqual({ first: 30, last: 100, from: 80, hasOlder: true, hasNewer: false });

  const later = await openList(10);
  await later.list.showFrom(80);
  expect(later.shown()).toMatchObject({ last: 10, from: undefined });
  later.arrive(100);
  await settled();
  await later.list.loadNewer();
  expect(later.shown()).toEqual({ first: 30, last: 100, from: 80, hasOlder: true, hasNewer: false });
});

test('of two that were gone to at once, the second', async () => {
  const { list, state, release, shown } = await openList(250);
  state.isHeld = true;
  void list.showFrom(200);
  void list.showFrom(80);
  await settled();
  state.isHeld = false;
  await release();
  await release();
  expect(shown()).toEqual({ first: 30, last: 129, from: 80, hasOlder: true, hasNewer: true });
});

test('what was written before gets further, and all is read anew: it stays there; what is written then is shown', async () => {
  const { list, state, emit, shown } = await openList(250);
  const [before, then] = [{ clientMsgId: 'before' }, { clientMsgId: 'then' }];
  state.unsent = [before];
  await list.showFrom(80);
  emit('sendState', { message: before });
  await settled();
  expect(shown()).toMatchObject({ from: 80, last: 129 });
  emit('reset');
  await settled();
  expect(shown()).toMatchObject({ from: 80, last: 129 });
  emit('sendState', { message: then });
  await settled();
  expect(shown()).toMatchObject({ from: undefined, hasNewer: false });
});
