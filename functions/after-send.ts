// What was stored, from the stream to the operator's endpoint or event bus.
import { afterSendStream } from '../src/runtime/after-send.ts';

export const handler = afterSendStream();
