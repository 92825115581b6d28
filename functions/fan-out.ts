// New messages from the stream, to mailboxes and connected devices.
import { messageStream } from '../src/runtime/stream.ts';

export const handler = messageStream();
