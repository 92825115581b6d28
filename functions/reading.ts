// A conversation's timeline, and how far its members have read it.
import { history } from '../src/core/history.ts';
import { positions, read } from '../src/core/read-positions.ts';
import { receipts } from '../src/core/receipts.ts';
import { historyFrame, positionsFrame, readFrame, receiptsFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  history: [historyFrame, history],
  read: [readFrame, read],
  positions: [positionsFrame, positions],
  receipts: [receiptsFrame, receipts],
});
