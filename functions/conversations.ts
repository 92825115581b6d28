// `history`, `read`, `positions`, `receipts`: a conversation's timeline, and how far its members have read it.
import { history } from '../src/core/history.ts';
import { positions, read, receipts } from '../src/core/read-positions.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ history, read, positions, receipts });
