// A store of files for who has none: it signs, and keeps nothing.
import type { ObjectStore } from '../../src/core/media/object-store.ts';

export const noObjects: ObjectStore = {
  signUpload: async (key) => ({ url: `https://media.invalid/${key}`, headers: {}, expiresAt: 0 }),
  signDownload: async (key) => ({ url: `https://media.invalid/${key}`, expiresAt: 0 }),
  keep: async () => {},
  put: async () => {},
  delete: async () => {},
};
