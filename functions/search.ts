// Search: a user's own messages, by what they say.
import { search } from '../src/core/search/search.ts';
import { searchFrame } from '../src/protocol/client-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ search: [searchFrame, search] });
