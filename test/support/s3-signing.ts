// Signs requests to S3 as the AWS SDK does: by its own signer, which the local cloud knows nothing of.
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from '../../local/iam/roles.ts';

export interface ToSign {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PresignOptions {
  readonly expiresIn?: number;
  readonly signingDate?: Date;
}

const createSigner = (credentials: Credentials) =>
  new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
  });

function toRequest({ method, url, headers = {} }: ToSign): HttpRequest {
  const { hostname, port, host, pathname, searchParams } = new URL(url);
  return new HttpRequest({
    protocol: 'http:',
    hostname,
    port: Number(port),
    method,
    // As the SDK sends keys: each segment encoded.
    path: pathname.split('/').map(decodeURIComponent).map(encodeURIComponent).join('/'),
    query: Object.fromEntries(searchParams),
    headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers },
  });
}

/** Headers for the request. */
export async function signForS3(
  request: ToSign,
  credentials: Credentials,
  signingDate = new Date(),
): Promise<Record<string, string>> {
  const { headers } = await createSigner(credentials).sign(toRequest(request), { signingDate });
  // The client sets it by itself.
  const { host: _, ...others } = headers;
  return others;
}

/** A URL that is good by itself. All headers are signed, those of S3's own as headers. */
export async function presignForS3(
  request: ToSign,
  credentials: Credentials,
  { expiresIn = 900, signingDate = new Date() }: PresignOptions = {},
): Promise<string> {
  const unhoistableHeaders = new Set(Object.keys(request.headers ?? {}));
  const options = { expiresIn, signingDate, unhoistableHeaders };
  const { query } = await createSigner(credentials).presign(toRequest(request), options);
  const url = new URL(request.url);
  url.search = new URLSearchParams(query as Record<string, string>).toString();
  return url.href;
}
