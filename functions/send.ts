// `send`: stores a message, numbered and durable.
import { send } from '../src/core/send.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ send });
