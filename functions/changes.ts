// `recall`, `edit`, `react`: messages change in place, and a control message tells of it.
import { edit, recall } from '../src/core/changes.ts';
import { react } from '../src/core/reactions.ts';
import { editFrame, reactFrame, recallFrame } from '../src/protocol/client-frames.ts';
import { loadBeforeSend } from '../src/runtime/hooks.ts';
import { createContext } from '../src/runtime/context.ts';
import { createObjectStore } from '../src/runtime/object-store.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route(
  {
    recall: [recallFrame, recall],
    edit: [editFrame, edit],
    react: [reactFrame, react],
  },
  createContext({ objects: createObjectStore(), beforeSend: await loadBeforeSend() }),
);
