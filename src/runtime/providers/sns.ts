// Pushes through SNS' mobile push, whose platform applications hold the keys of Apple and Google.
import * as v from 'valibot';
import type { Notification, PushProvider } from '../../core/notifications/notification.ts';
import { pushTokenDigest } from '../../core/digest.ts';
import { platforms } from '../../protocol/ids.ts';
import { createSignedPost, isTransient, type Answer, type SignedPost } from '../signed-post.ts';
import { apnsCollapseId, apnsPayload } from './apns-payload.ts';
import { NotificationRefused } from './bulkhead.ts';
import { fcmMessage } from './fcm-message.ts';
import { readJson } from './read-json.ts';

export interface SnsOptions {
  /** JSON: the ARN of a platform application for each platform that has one. */
  readonly applications: string;
}

interface Application {
  readonly arn: string;
  /** `APNS`, `APNS_SANDBOX` or `GCM`. */
  readonly service: string;
  readonly post: SignedPost;
}

const TIMEOUT_MS = 3_000;
/** Endpoints whose ARNs are kept in memory. */
const MAX_ENDPOINTS = 10_000;
const APPLICATION_ARN = /^arn:[a-z-]+:sns:([a-z0-9-]+):\d{12}:app\/(APNS|APNS_SANDBOX|GCM)\/[\w.-]+$/;
const GONE_CODES: ReadonlySet<string | undefined> = new Set(['EndpointDisabled', 'NotFound']);

const Applications = v.record(v.picklist(platforms), v.pipe(v.string(), v.regex(APPLICATION_ARN)));

/** @throws Error when the applications are none. */
export function createSns({ applications: text }: SnsOptions): PushProvider {
  const arns = readJson(Applications, text);
  if (!arns) throw new Error('PUSH_SNS must name platform applications by platform');
  const applications = new Map(
    Object.entries(arns).map(([platform, arn]) => [platform, createApplication(arn)]),
  );
  const endpoints = new Map<string, string>();

  const findEndpoint = async (application: Application, key: string, pushToken: string) => {
    const known = endpoints.get(key);
    if (known !== undefined) return known;
    const created = await createEndpoint(application, pushToken);
    if (created === 'gone') return undefined;
    const [oldest] = endpoints.keys();
    if (oldest !== undefined && endpoints.size >= MAX_ENDPOINTS) endpoints.delete(oldest);
    endpoints.set(key, created.arn);
    return created.arn;
  };
  return {
    async send(notification) {
      const { platform, pushToken } = notification;
      const application = applications.get(platform);
      if (!application) throw new NotificationRefused(`SNS has no platform application for ${platform}`);
      const key = pushTokenDigest(application.arn, pushToken);
      const endpoint = await findEndpoint(application, key, pushToken);
      if (endpoint === undefined) return 'gone';
      const answer = await ask(application, publishTo(endpoint, application.service, notification));
      if (answer.status === 200) return 'sent';
      if (!GONE_CODES.has(codeOf(answer))) throw failureOf(answer);
      // Its owner may enable it, or make it anew.
      endpoints.delete(key);
      return 'gone';
    },
  };
}

function createApplication(arn: string): Application {
  const [, region, service] = APPLICATION_ARN.exec(arn)!;
  const post = createSignedPost({
    service: 'sns',
    region: region!,
    url: `https://sns.${region}.amazonaws.com`,
    endpointVariable: 'AWS_ENDPOINT_URL_SNS',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    timeoutMs: TIMEOUT_MS,
  });
  return { arn, service: service!, post };
}

/** Idempotent: for a token that has an endpoint, SNS answers that one. */
async function createEndpoint(
  application: Application,
  pushToken: string,
): Promise<{ readonly arn: string } | 'gone'> {
  const answer = await ask(application, {
    Action: 'CreatePlatformEndpoint',
    PlatformApplicationArn: application.arn,
    Token: pushToken,
  });
  const { status, body } = answer;
  // Where others made the endpoint, with attributes of their own, SNS refuses and names it.
  const arn =
    status === 200
      ? /<EndpointArn>([^<]+)<\/EndpointArn>/.exec(body)?.[1]
      : /Endpoint (arn:\S+) already exists/.exec(body)?.[1];
  if (arn !== undefined) return { arn };
  if (status === 200) throw new Error('SNS answered no endpoint');
  if (codeOf(answer) === 'InvalidParameter' && body.includes('Token Reason')) return 'gone';
  throw failureOf(answer);
}

function publishTo(endpointArn: string, service: string, notification: Notification): Record<string, string> {
  const request = { Action: 'Publish', TargetArn: endpointArn, MessageStructure: 'json' };
  const messageWith = (payload: string) =>
    JSON.stringify({ default: notification.title, [service]: payload });
  if (service === 'GCM') {
    const message = fcmMessage(notification, {});
    return { ...request, Message: messageWith(`{"fcmV1Message":${message}}`) };
  }
  return {
    ...request,
    Message: messageWith(apnsPayload(notification)),
    ...attributes({
      'AWS.SNS.MOBILE.APNS.PUSH_TYPE': 'alert',
      'AWS.SNS.MOBILE.APNS.PRIORITY': '10',
      'AWS.SNS.MOBILE.APNS.COLLAPSE_ID': apnsCollapseId(notification),
    }),
  };
}

function attributes(values: Readonly<Record<string, string>>): Record<string, string> {
  const fields = Object.entries(values).flatMap(([name, value], index) => {
    const entry = `MessageAttributes.entry.${index + 1}`;
    return [
      [`${entry}.Name`, name],
      [`${entry}.Value.DataType`, 'String'],
      [`${entry}.Value.StringValue`, value],
    ];
  });
  return Object.fromEntries(fields) as Record<string, string>;
}

async function ask({ post }: Application, request: Record<string, string>): Promise<Answer> {
  try {
    return await post(new URLSearchParams({ ...request, Version: '2010-03-31' }).toString());
  } catch (cause) {
    throw new Error('SNS did not answer', { cause });
  }
}

const codeOf = ({ body }: Answer) => /<Code>(\w+)<\/Code>/.exec(body)?.[1];

/** What SNS says beside the code may quote the push token. */
function failureOf(answer: Answer): Error {
  const code = codeOf(answer);
  const Problem = isTransient({ status: answer.status, body: code ?? '' }) ? Error : NotificationRefused;
  return new Problem(`SNS answered ${answer.status} ${code ?? ''}`.trim());
}
