// `sync`, `ack`, `pending`, `ping`: what a device does with its mailbox.
import { pending } from '../src/core/pending.ts';
import { ack, ping, sync } from '../src/core/sync.ts';
import { syncFrame, ackFrame, pendingFrame, pingFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  sync: [syncFrame, sync],
  ack: [ackFrame, ack],
  pending: [pendingFrame, pending],
  ping: [pingFrame, ping],
});
