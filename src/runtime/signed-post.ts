// Signed requests to AWS services. A service's own client would be 20 KB and more in every bundle.
import { fromEnv } from '@aws-sdk/credential-provider-env';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { requestHandler } from './clients.ts';
import { optional, required } from './environment.ts';

export interface SignedPostOptions {
  /** As it stands in signatures: `sqs`, `secretsmanager`, `sns`. */
  readonly service: string;
  readonly url: string;
  /** `/` if absent. */
  readonly path?: string;
  /** The function's own if absent. */
  readonly region?: string;
  /** The SDK's variable for the endpoint, which wins over `url`, as everywhere with AWS. */
  readonly endpointVariable: string;
  /** What tells the service how to read the body: its content type, and a target where its protocol has one. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of one request. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** @throws Error when the service did not answer. */
export type SignedPost = (body: string) => Promise<Answer>;

export function createSignedPost(options: SignedPostOptions): SignedPost {
  const {
    service,
    url,
    path = '/',
    region = required('AWS_REGION'),
    endpointVariable,
    headers,
    timeoutMs,
  } = options;
  const endpoint = new URL(optional(endpointVariable) ?? url);
  const handler = new NodeHttpHandler(requestHandler(timeoutMs));
  const signer = new SignatureV4({
    service,
    region,
    credentials: fromEnv(),
    sha256: Sha256,
  });
  return async (body) => {
    const request = new HttpRequest({
      protocol: endpoint.protocol,
      hostname: endpoint.hostname,
      ...(endpoint.port && { port: Number(endpoint.port) }),
      method: 'POST',
      path,
      headers: { host: endpoint.host, 'content-length': String(Buffer.byteLength(body)), ...headers },
      body,
    });
    const signed = (await signer.sign(request)) as HttpRequest;
    const { response } = await handler.handle(signed);
    const chunks: Buffer[] = [];
    for await (const chunk of response.body as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status: response.statusCode, body: Buffer.concat(chunks).toString() };
  };
}

/** Whether a service that answered so may do better the next time. */
export function isTransient({ status, body }: Answer): boolean {
  return status >= 500 || status === 429 || /Throttl/.test(body);
}
