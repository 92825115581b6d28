// Erases users, bit by bit.
import { erasureQueue } from '../src/runtime/erasures.ts';

export const handler = erasureQueue();
