// `recall`, `edit`: messages change in place, and a control message tells of it.
import { edit, recall } from '../src/core/changes.ts';
import { editFrame, recallFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ recall: [recallFrame, recall], edit: [editFrame, edit] });
