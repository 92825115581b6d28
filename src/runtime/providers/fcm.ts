// Pushes through Firebase Cloud Messaging (HTTP v1), in the name of a service account.
import * as v from 'valibot';
import type { PushProvider } from '../../core/notifications/notification.ts';
import { failureOf } from './bulkhead.ts';
import { fcmMessage } from './fcm-message.ts';
import { keepToken, type MadeToken } from './kept-token.ts';
import { readPrivateKey } from './private-key.ts';
import { readJson } from './read-json.ts';
import { signToken } from './signed-token.ts';

export interface FcmOptions {
  /** JSON: the key of a service account, as Google hands it out. */
  readonly secret: () => Promise<string>;
  readonly now: () => number;
  readonly fetch?: typeof fetch;
}

type Fetch = typeof fetch;

/** The only address that is handed a signed assertion. */
const TOKEN_URL = 'https://oauth2.googleapis.com/token';
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const ASSERTION_SECONDS = 60 * 60;
/** An access token is not used in its last minute. */
const RESERVE_MS = 60_000;
const TIMEOUT_MS = 3_000;

const ServiceAccount = v.object({
  project_id: v.pipe(v.string(), v.nonEmpty()),
  private_key_id: v.string(),
  private_key: v.string(),
  client_email: v.string(),
  token_uri: v.literal(TOKEN_URL),
});
type ServiceAccount = v.InferOutput<typeof ServiceAccount>;

const AccessToken = v.object({
  // Anything else would be quoted by the error that a header made of it comes to.
  access_token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/)),
  expires_in: v.number(),
});
const Problem = v.object({
  error: v.object({
    message: v.optional(v.string(), ''),
    details: v.optional(
      v.array(
        v.object({
          errorCode: v.optional(v.pipe(v.string(), v.regex(/^[A-Z_]+$/))),
          fieldViolations: v.optional(v.array(v.object({ field: v.optional(v.string()) })), []),
        }),
      ),
      [],
    ),
  }),
});
type Problem = v.InferOutput<typeof Problem>['error'];

interface Answer {
  readonly status: number;
  readonly body: string;
}

export function createFcm({ secret, now, fetch: post = fetch }: FcmOptions): PushProvider {
  const token = keepToken((text) => fetchAccessToken(post, readAccount(text), now), now);
  return {
    async send(notification) {
      const body = fcmMessage(notification, { token: notification.pushToken });
      for (let isFirst = true; ; isFirst = false) {
        const text = await secret();
        const accessToken = await token.get(text);
        const answer = await sendMessage(post, readAccount(text), accessToken, body);
        if (answer.status === 200) return 'sent';
        if (answer.status === 401) token.discard(accessToken);
        if (answer.status === 401 && isFirst) continue;
        const problem = readJson(Problem, answer.body)?.error;
        if (isGone(answer.status, problem)) return 'gone';
        throw failureOf('FCM', answer.status, codeOf(problem));
      }
    },
  };
}

function readAccount(text: string): ServiceAccount {
  const account = readJson(ServiceAccount, text);
  if (!account) throw new Error(`The secret of fcm must be a service account's key with ${TOKEN_URL}`);
  return account;
}

async function fetchAccessToken(post: Fetch, account: ServiceAccount, now: () => number): Promise<MadeToken> {
  const askedAt = now();
  const seconds = Math.floor(askedAt / 1000);
  const assertion = signToken(
    { alg: 'RS256', typ: 'JWT', kid: account.private_key_id },
    {
      scope: SCOPE,
      iss: account.client_email,
      aud: TOKEN_URL,
      iat: seconds,
      exp: seconds + ASSERTION_SECONDS,
    },
    readPrivateKey(account.private_key, 'fcm'),
  );
  const { status, body } = await ask(post, 'The OAuth endpoint of fcm', TOKEN_URL, {
    body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
  });
  if (status !== 200) throw new Error(`The OAuth endpoint of fcm answered ${status}`);
  const answer = readJson(AccessToken, body);
  if (!answer) throw new Error('The OAuth endpoint of fcm answered no access token');
  return { value: answer.access_token, staleAt: askedAt + answer.expires_in * 1000 - RESERVE_MS };
}

function sendMessage(
  post: Fetch,
  account: ServiceAccount,
  accessToken: string,
  body: string,
): Promise<Answer> {
  const project = encodeURIComponent(account.project_id);
  return ask(post, 'FCM', `https://fcm.googleapis.com/v1/projects/${project}/messages:send`, {
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body,
  });
}

/** `who` stands in the error when nobody answers. */
async function ask(post: Fetch, who: string, url: string, request: RequestInit): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await post(url, { method: 'POST', redirect: 'manual', signal, ...request });
    return { status: response.status, body: await response.text() };
  } catch (cause) {
    throw new Error(`${who} did not answer`, { cause });
  }
}

function isGone(status: number, problem: Problem | undefined): boolean {
  if (status === 404 || codeOf(problem) === 'UNREGISTERED') return true;
  return status === 400 && problem !== undefined && namesToken(problem);
}

const codeOf = (problem: Problem | undefined) =>
  problem?.details.find(({ errorCode }) => errorCode !== undefined)?.errorCode;

/** Of what a message may be refused for, only the token is the device's. */
function namesToken({ message, details }: Problem): boolean {
  const fields = details.flatMap(({ fieldViolations }) => fieldViolations.map(({ field }) => field));
  if (fields.length > 0) return fields.includes('message.token');
  return /registration token/i.test(message);
}
