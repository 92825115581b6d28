// Loads the client of a hook where one is configured, and only there: it is no part of a function's bundle.
import type { BeforeSend } from '../core/hooks.ts';
import { optional } from './environment.ts';

export async function loadBeforeSend(): Promise<BeforeSend | undefined> {
  if (!optional('BEFORE_SEND_FAILURE')) return undefined;
  const { createBeforeSend } = await import('./before-send.ts');
  return createBeforeSend();
}
