// Asks the operator's hook: a signed POST to a URL, or a Lambda function invoked in step. One try, within half a second.
import { beforeSendBy, type BeforeSend, type Hook } from '../core/hooks.ts';
import { hookLimits } from '../protocol/limits.ts';
import { optional, required } from './environment.ts';
import { createSecrets } from './secrets.ts';
import { signBody } from './sign-body.ts';
import { createSignedPost } from './signed-post.ts';

export function createBeforeSend(): BeforeSend {
  const url = optional('BEFORE_SEND_URL');
  const post = url ? postTo(url) : invoke(required('BEFORE_SEND_FUNCTION'));
  return beforeSendBy({
    failure: required('BEFORE_SEND_FAILURE') as Hook['failure'],
    async ask(question) {
      const signal = AbortSignal.timeout(hookLimits.beforeSendMs);
      const late = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
      });
      return JSON.parse(await Promise.race([post(JSON.stringify(question), signal), late])) as unknown;
    },
  });
}

type Post = (body: string, signal: AbortSignal) => Promise<string>;

function postTo(url: string): Post {
  const secrets = createSecrets();
  const arn = required('BEFORE_SEND_SECRET_ARN');
  // At once: the first message does not have to wait for it.
  secrets.read(arn).catch(() => {});
  return async (body, signal) => {
    const signature = signBody(await secrets.read(arn), body, Math.floor(Date.now() / 1_000));
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-im-signature': signature },
      body,
      redirect: 'manual',
      signal,
    });
    if (response.ok) return response.text();
    // Unread answers would keep their connections.
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  };
}

function invoke(arn: string): Post {
  const region = arn.split(':')[3]!;
  const post = createSignedPost({
    service: 'lambda',
    region,
    url: `https://lambda.${region}.amazonaws.com`,
    path: `/2015-03-31/functions/${encodeURIComponent(arn)}/invocations`,
    endpointVariable: 'AWS_ENDPOINT_URL_LAMBDA',
    headers: { 'content-type': 'application/json' },
    timeoutMs: hookLimits.beforeSendMs,
  });
  return async (body) => {
    const answer = await post(body);
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    return answer.body;
  };
}
