// `send`: stores a message, numbered and durable. `typing`: tells who is online that one is being written.
import { typing } from '../src/core/ephemeral.ts';
import { send } from '../src/core/send.ts';
import { sendFrame } from '../src/protocol/client-frames.ts';
import { typingFrame } from '../src/protocol/people-frames.ts';
import { loadBeforeSend } from '../src/runtime/hooks.ts';
import { createContext } from '../src/runtime/context.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route(
  { send: [sendFrame, send], typing: [typingFrame, typing] },
  createContext({ beforeSend: await loadBeforeSend() }),
);
