// What clients send about files: one schema an action.
import * as v from 'valibot';
import { conversationIdSchema } from './id-schemas.ts';
import { mediaLimits } from './limits.ts';
import { seqSchema } from './messages.ts';
import { characters, request, storedText } from './request.ts';

/** For a bundle to hold no frames but those that it serves: esbuild leaves out what is made like this, in this file, and not used. */
const define = /* @__NO_SIDE_EFFECTS__ */ <Schema>(make: () => Schema): Schema => make();

export const uploadFrame = define(() =>
  request('upload', {
    /** Whose message will name it; without one it is for everybody: an avatar. */
    conversationId: v.optional(conversationIdSchema),
    name: characters(mediaLimits.name.min, mediaLimits.name.max),
    /** Bytes. */
    size: v.pipe(v.number(), v.integer(), v.minValue(1)),
    mime: v.pipe(
      v.string(),
      v.maxLength(mediaLimits.mime, `must have at most ${mediaLimits.mime} characters`),
      v.regex(/^[A-Za-z0-9][\w!#$&^.+-]*\/[A-Za-z0-9][\w!#$&^.+-]*$/, 'must be type/subtype'),
    ),
  }),
);

export const downloadFrame = define(() =>
  request('download', {
    conversationId: v.optional(conversationIdSchema),
    media: v.pipe(storedText(mediaLimits.media), v.startsWith('media:', 'must be media:<key>')),
    /** Of the message that names it, if the client knows it. */
    seq: v.optional(seqSchema),
  }),
);

export const mediaFrames = { upload: uploadFrame, download: downloadFrame } as const;
