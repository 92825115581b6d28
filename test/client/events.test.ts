// The emitter: typed events, unsubscribing, iterating.
import { expect, test } from 'vitest';
import { Emitter } from '../../src/client/events.ts';

interface Events {
  count: number;
  word: string;
}

test('listeners hear until they unsubscribe', () => {
  const events = new Emitter<Events>();
  const heard: unknown[] = [];
  const stop = events.on('count', (count) => heard.push(count));
  events.on('word', (word) => heard.push(word));
  events.emit('count', 1);
  events.emit('word', 'one');
  stop();
  events.emit('count', 2);
  expect(heard).toEqual([1, 'one']);
});

test('a listener that throws stops no other, and its error is not swallowed', async () => {
  const events = new Emitter<Events>();
  const heard: number[] = [];
  const mistake = new Error('mistake');
  // vitest listens too, and would fail the run: this one error is expected.
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
    events.on('count', () => {
      throw mistake;
    });
    events.on('count', (count) => heard.push(count));
    events.emit('count', 1);
    expect(heard).toEqual([1]);
    expect(await uncaught).toBe(mistake);
  } finally {
    for (const other of others) process.on('uncaughtException', other);
  }
});

test('a stream gives every event from its start, in order, and ends by its signal', async () => {
  const events = new Emitter<Events>();
  const controller = new AbortController();
  const stream = events.stream('count', controller.signal);
  for (const count of [0, 1, 2]) events.emit('count', count);
  const taken: number[] = [];
  for await (const count of stream) {
    taken.push(count);
    if (count === 2) controller.abort();
  }
  events.emit('count', 3);
  expect(taken).toEqual([0, 1, 2]);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('leaving the loop ends the stream', async () => {
  const events = new Emitter<Events>();
  const stream = events.stream('count');
  events.emit('count', 1);
  events.emit('count', 2);
  for await (const _ of stream) break;
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('takers that wait together each get their own; the end of the emitter ends what waits and what comes', async () => {
  const events = new Emitter<Events>();
  const stream = events.stream('count');
  const taken = [stream.next(), stream.next(), stream.next()];
  events.emit('count', 1);
  events.emit('count', 2);
  events.end();
  expect(await Promise.all(taken)).toEqual([
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: true, value: undefined },
  ]);
  expect(await events.stream('count').next()).toEqual({ done: true, value: undefined });
});
