// `upload`, `download`: URLs for files, signed for who may have them.
import { randomBytes } from 'node:crypto';
import { download } from '../src/core/media/download.ts';
import { upload } from '../src/core/media/upload.ts';
import { downloadFrame, uploadFrame } from '../src/protocol/media-frames.ts';
import { createContext } from '../src/runtime/context.ts';
import { createObjectStore } from '../src/runtime/object-store.ts';
import { route } from '../src/runtime/route.ts';

const ctx = createContext({ objects: createObjectStore() });
const newId = () => randomBytes(16).toString('base64url');

export const handler = route(
  {
    upload: [uploadFrame, (context, caller, request) => upload({ ...context, newId }, caller, request)],
    download: [downloadFrame, download],
  },
  ctx,
);
