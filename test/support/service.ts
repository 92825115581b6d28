// The app's own backend: requests to the service API over HTTP, signed by the AWS SDK's signer. Every answer is held against
// the schema of its route.
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import * as v from 'valibot';
import { expect } from 'vitest';
import type { ServiceAccess } from '../../local/service/service.ts';
import { errorStatuses } from '../../src/protocol/errors.ts';
import { serviceAnswers, serviceErrorSchema } from '../../src/protocol/service-answers.ts';
import type { ServiceRoute } from '../../src/protocol/service-routes.ts';

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
    const answer = {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
    checkAnswer(method, path, answer);
    return answer;
  }
}

/** Exactly what the schema says, and nothing more; or an error with its status; or what the gateway itself says. */
function checkAnswer(method: string, path: string, { status, body }: ServiceAnswer): void {
  const route = status < 300 ? routeOf(method, path) : undefined;
  if (status < 300 && !route) throw new Error(`Nothing says what ${method} ${path} answers`);
  if (!route && typeof body['message'] === 'string') return expect(Object.keys(body)).toEqual(['message']);
  const { schema, ...said } = route ? serviceAnswers[route] : { schema: serviceErrorSchema };
  const parsed = v.safeParse(schema, body);
  expect(parsed.issues?.map(({ message }) => message) ?? [], `${method} ${path}`).toEqual([]);
  expect(parsed.output, `${method} ${path}`).toEqual(body);
  const expected = 'status' in said ? said.status : errorStatuses[(parsed.output as Refused).error.code];
  expect(status, `${method} ${path}`).toBe(expected);
}

type Refused = v.InferOutput<typeof serviceErrorSchema>;

function routeOf(method: string, path: string): ServiceRoute | undefined {
  const routes = Object.keys(serviceAnswers) as ServiceRoute[];
  const called = `${method} ${path.replace(/\?.*/s, '')}`;
  const variables = (route: string) => route.split('{').length;
  const fitting = routes.filter((route) =>
    new RegExp(`^${route.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(called),
  );
  return fitting.toSorted((left, right) => variables(left) - variables(right))[0];
}
