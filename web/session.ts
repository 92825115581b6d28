// Who uses this page, and the client that is open for them: one device in all tabs, with its data in the browser.
import type { Client } from '../src/client/client.ts';
import { IndexedDbStorage } from '../src/client/storage/indexed-db.ts';
import { MemoryStorage } from '../src/client/storage/memory.ts';
import type { Storage } from '../src/client/storage/storage.ts';
import { SharedClient } from '../src/client/tabs/shared-client.ts';

/** `config.json`, beside the page. */
export interface Config {
  readonly url: string;
  /** Where a name is all that it takes to get a token: on a developer's machine. */
  readonly tokenUrl?: string;
}

export interface SignIn {
  readonly userId: string;
  /** Where there is no `tokenUrl`. */
  readonly token?: string;
}

export interface OpenClient {
  readonly client: Client;
  /** The browser keeps nothing for this page. */
  readonly isForgetful: boolean;
}

const REMEMBERED = 'im-chat-sign-in';

export async function readConfig(): Promise<Config> {
  const response = await fetch('config.json');
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  const config = (await response.json()) as Config;
  return { ...config, url: config.url || location.origin.replace(/^http/, 'ws') };
}

/** Of this page's address, or of the last time. */
export function rememberedSignIn(): SignIn | undefined {
  const user = new URLSearchParams(location.search).get('user');
  if (user) return { userId: user };
  try {
    const stored = localStorage.getItem(REMEMBERED);
    return stored ? (JSON.parse(stored) as SignIn) : undefined;
  } catch {
    return undefined;
  }
}

export function rememberSignIn(signIn: SignIn | undefined): void {
  try {
    if (signIn) localStorage.setItem(REMEMBERED, JSON.stringify(signIn));
    else localStorage.removeItem(REMEMBERED);
  } catch {
    // A browser that keeps nothing asks anew each time.
  }
}

/** The user whose token it is; nothing checks it here, the server does. */
export function userOf(token: string): string | undefined {
  try {
    const payload = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const { sub } = JSON.parse(atob(payload)) as { sub?: unknown };
    return typeof sub === 'string' ? sub : undefined;
  } catch {
    return undefined;
  }
}

export async function openClient({ url, tokenUrl }: Config, { userId, token }: SignIn): Promise<OpenClient> {
  let isForgetful = false;
  const storage = async (): Promise<Storage> => {
    try {
      return await IndexedDbStorage.open(`im-${userId}`);
    } catch {
      isForgetful = true;
      return new MemoryStorage();
    }
  };
  const client = await SharedClient.open({
    name: `im-${userId}`,
    url,
    platform: 'web',
    storage,
    token: async () => (tokenUrl ? fetchToken(tokenUrl, userId) : (token ?? '')),
  });
  return { client, isForgetful };
}

async function fetchToken(tokenUrl: string, userId: string): Promise<string> {
  const response = await fetch(`${tokenUrl}?user=${encodeURIComponent(userId)}`);
  if (!response.ok) throw new Error(`${tokenUrl}: ${response.status}`);
  return ((await response.json()) as { token: string }).token;
}
