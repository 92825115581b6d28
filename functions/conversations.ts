// `history`: reads a conversation timeline.
import { history } from '../src/core/history.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({ history });
