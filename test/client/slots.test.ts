// Where in a conversation a slot stands that cannot be read.
import { expect, test } from 'vitest';
import type { Slot } from '../../src/protocol/messages.ts';
import { placeSlots } from '../../src/client/slots.ts';

const conversationId = 'g:friends';
const slot = (seq: number): Slot => ({ conversationId, seq, void: true });
const page = { floorSeq: 1, headSeq: 50, end: false, pending: false };
const nothing = undefined;

test.each([
  ['between others', [slot(4), nothing, slot(6)], { after: 3 }, [4, 5, 6]],
  ['before one that can', [nothing, nothing, slot(6)], { after: 3 }, [4, 5, 6]],
  ['alone, upwards', [nothing, nothing], { after: 3 }, [4, 5]],
  ['alone, downwards', [nothing, nothing], { before: 10 }, [8, 9]],
  ['alone, at the head', [nothing], {}, [50]],
])('%s it has its place', (_where, found, query, expected) => {
  const placed = placeSlots(found, { conversationId, ...query }, page);
  expect(placed.map(({ seq }) => seq)).toEqual(expected);
});

test('upwards from below the floor, the first is at the floor', () => {
  const placed = placeSlots([nothing], { conversationId, after: 3 }, { ...page, floorSeq: 20 });
  expect(placed.map(({ seq }) => seq)).toEqual([20]);
});

test('where nothing tells its place, or its place is another’s, it is left out', () => {
  const pending = { ...page, pending: true };
  expect(placeSlots([nothing], { conversationId }, pending)).toEqual([]);
  expect(placeSlots([slot(4), nothing, slot(5)], { conversationId, after: 3 }, page)).toEqual([
    slot(4),
    slot(5),
  ]);
});
