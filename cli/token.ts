// Where the chat has its tokens from: as given, from a command, or from the local cloud.
import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import type { TokenOption } from '../src/client/connection/token.ts';
import type { ChatOptions } from './options.ts';

const run = promisify(exec);
const COMMAND_TIMEOUT_MS = 20_000;

export function tokenOf({ user, url, token, tokenCommand }: ChatOptions): TokenOption {
  if (token !== undefined) return token;
  if (tokenCommand !== undefined)
    return async () => (await run(tokenCommand, { timeout: COMMAND_TIMEOUT_MS })).stdout.trim();
  return () => askLocalCloud(url, user ?? '');
}

async function askLocalCloud(url: string, user: string): Promise<string> {
  const asked = new URL(`/dev/token?user=${encodeURIComponent(user)}`, url.replace(/^ws/i, 'http'));
  let response: Response;
  try {
    response = await fetch(asked);
  } catch (cause) {
    throw new Error(`no local cloud answers at ${asked.origin} (npm start)`, { cause });
  }
  if (!response.ok) throw new Error(`${asked.origin} gives no tokens (${response.status}): use --token`);
  return ((await response.json()) as { token: string }).token;
}
