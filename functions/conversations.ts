// A conversation's timeline, how far its members have read it, and what each of them wants of it.
import { settings } from '../src/core/conversation-settings.ts';
import { history } from '../src/core/history.ts';
import { positions, read, receipts } from '../src/core/read-positions.ts';
import {
  historyFrame,
  positionsFrame,
  readFrame,
  receiptsFrame,
  settingsFrame,
} from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  history: [historyFrame, history],
  read: [readFrame, read],
  positions: [positionsFrame, positions],
  receipts: [receiptsFrame, receipts],
  settings: [settingsFrame, settings],
});
