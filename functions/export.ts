// Writes exports, a file at a time.
import { exportQueue } from '../src/runtime/exports.ts';

export const handler = exportQueue();
