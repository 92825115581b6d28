// Reads secrets from Secrets Manager, and keeps them for a while.
import { setTimeout as delay } from 'node:timers/promises';
import { required } from './environment.ts';
import { describeError, log } from './log.ts';
import { createSignedPost, isTransient, type Answer, type SignedPost } from './signed-post.ts';

export interface Secrets {
  /** @throws Error when the secret is not to be had, and none that is good enough is kept. */
  read(arn: string): Promise<string>;
}

/** After a rotation the old value is used for so long at most. */
const FRESH_MS = 5 * 60_000;
/** While the service is down a value is good for so long. */
const STALE_MS = 24 * 60 * 60_000;
/** Between two requests for a secret that is kept, while the service fails. */
const COOLDOWN_MS = 30_000;
const REQUEST_TIMEOUT_MS = 3_000;
const MAX_ATTEMPTS = 3;
const BACK_OFF = { baseMs: 50, maxMs: 1_000 };

export function createSecrets(now: () => number = Date.now): Secrets {
  const post = createSignedPost({
    service: 'secretsmanager',
    url: `https://secretsmanager.${required('AWS_REGION')}.amazonaws.com`,
    endpointVariable: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.GetSecretValue',
    },
    timeoutMs: REQUEST_TIMEOUT_MS,
  });
  const readers = new Map<string, () => Promise<string>>();
  return {
    async read(arn) {
      const reader = readers.get(arn) ?? createReader(() => fetchSecret(post, arn), now);
      readers.set(arn, reader);
      return reader();
    },
  };
}

/** Reads that come while one is under way share its request. */
function createReader(load: () => Promise<string>, now: () => number): () => Promise<string> {
  let kept: { readonly value: string; readonly readAt: number } | undefined;
  let failedAt = -Infinity;
  let pending: Promise<string> | undefined;

  const keptFor = (limitMs: number) => (kept && now() - kept.readAt < limitMs ? kept.value : undefined);
  const refresh = async (): Promise<string> => {
    try {
      const value = await load();
      kept = { value, readAt: now() };
      return value;
    } catch (error) {
      failedAt = now();
      const stale = keptFor(STALE_MS);
      if (stale === undefined) throw error;
      log.warn('secret not read again', describeError(error));
      return stale;
    }
  };
  return async () => {
    const value = keptFor(now() - failedAt < COOLDOWN_MS ? STALE_MS : FRESH_MS);
    if (value !== undefined) return value;
    return (pending ??= refresh().finally(() => (pending = undefined)));
  };
}

async function fetchSecret(post: SignedPost, arn: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryOnce(post, arn);
    if ('value' in outcome) return outcome.value;
    if (outcome.isFinal || attempt === MAX_ATTEMPTS) {
      throw new Error(`The secret ${arn} was not read`, { cause: outcome.error });
    }
    await delay(Math.random() * Math.min(BACK_OFF.maxMs, BACK_OFF.baseMs * 2 ** attempt));
  }
}

type Outcome = { readonly value: string } | { readonly error: Error; readonly isFinal: boolean };

async function tryOnce(post: SignedPost, arn: string): Promise<Outcome> {
  let answer: Answer;
  try {
    answer = await post(JSON.stringify({ SecretId: arn }));
  } catch (cause) {
    return { error: new Error('Secrets Manager did not answer', { cause }), isFinal: false };
  }
  const { status, body } = answer;
  if (status !== 200) {
    const error = new Error(`Secrets Manager answered ${status} ${body}`);
    return { error, isFinal: !isTransient(answer) };
  }
  const value = secretStringOf(body);
  if (value === undefined) return { error: new Error('It is no text'), isFinal: true };
  return { value };
}

/** What it answers may hold the secret, so that not even a parser's error may quote it. */
function secretStringOf(body: string): string | undefined {
  try {
    const { SecretString: value } = JSON.parse(body) as { SecretString?: unknown };
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
