// The app's own backend: requests to the service API over HTTP, signed by the AWS SDK's signer.
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { ServiceAccess } from '../../local/service/service.ts';

export interface ServiceCall {
  /** Other than those that the cloud gives. */
  readonly access?: Partial<Omit<ServiceAccess, 'service'>> & { readonly service?: string };
  readonly signingDate?: Date;
  /** Sent in place of what was signed. */
  readonly sentBody?: string;
  readonly sentPath?: string;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export class TestBackend {
  private readonly access: ServiceAccess;

  constructor(access: ServiceAccess | undefined) {
    if (!access) throw new Error('There is no service API');
    this.access = access;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    { access, signingDate = new Date(), sentBody, sentPath = path }: ServiceCall = {},
  ): Promise<ServiceAnswer> {
    const { url, region, service, accessKeyId, secretAccessKey } = { ...this.access, ...access };
    const { hostname, port, host, pathname, searchParams } = new URL(`${url}${path}`);
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const signer = new SignatureV4({
      service,
      region,
      credentials: { accessKeyId, secretAccessKey },
      sha256: Sha256,
    });
    const signed = await signer.sign(
      new HttpRequest({
        protocol: 'http:',
        hostname,
        port: Number(port),
        method,
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: { host, ...(text !== undefined && { 'content-type': 'application/json' }) },
        body: text,
      }),
      { signingDate },
    );
    const { host: _, ...headers } = signed.headers;
    return this.send(method, sentPath, { headers, body: sentBody ?? text });
  }

  /** As it is. */
  async send(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: string | undefined } = {},
  ): Promise<ServiceAnswer> {
    const response = await fetch(`${this.access.url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  }
}
