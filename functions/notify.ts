// Tells devices that are away of what waits for them.
import { createContextWithoutConnections } from '../src/runtime/context.ts';
import { createNotes } from '../src/runtime/notes.ts';
import { createReport, noteQueue } from '../src/runtime/notifier.ts';
import { createProviders } from '../src/runtime/providers/providers.ts';
import { createSecrets } from '../src/runtime/secrets.ts';

const ctx = createContextWithoutConnections({ notes: createNotes() });

export const handler = noteQueue({
  ...ctx,
  providers: createProviders({ secrets: createSecrets(), now: ctx.now }),
  report: createReport(ctx.log, ctx.now),
});
