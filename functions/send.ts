// `send`: stores a message, numbered and durable.
import { send } from '../src/core/send.ts';
import { sendFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ send: [sendFrame, send] });
