// New entries of the offline queue, to the notifier: after a while, for much may have happened by then.
import { readSettings } from '../src/runtime/environment.ts';
import { createNotes, offlineStream } from '../src/runtime/notes.ts';

export const handler = offlineStream({ settings: readSettings(), notes: createNotes() });
