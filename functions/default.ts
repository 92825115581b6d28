// `$default`: what is no JSON object, or names no known action, gets an answer all the same.
import { route } from '../src/runtime/route.ts';

export const handler = route({});
