// A request to S3 as it came: path-style, its bucket and key apart.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { S3Error } from './answers.ts';

export interface S3Request {
  readonly method: string;
  /** Decoded segments of the path, the bucket being the first. */
  readonly segments: readonly string[];
  readonly bucketName: string;
  /** `''`: the bucket itself. */
  readonly key: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: IncomingHttpHeaders;
}

/** @throws S3Error for a path or query that cannot be decoded. */
export function parseRequest({ method = '', url = '/', headers }: IncomingMessage): S3Request {
  const [path = '/', query = ''] = splitOnce(url, '?');
  const segments = path.slice(1).split('/').map(decode);
  const [bucketName = '', ...rest] = segments;
  return {
    method,
    segments,
    bucketName,
    key: rest.join('/'),
    query: query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', value = ''] = splitOnce(pair.replaceAll('+', ' '), '=');
        return [decode(name), decode(value)] as const;
      }),
    headers,
  };
}

/** The first value of a query parameter, whatever its case. */
export function parameter({ query }: Pick<S3Request, 'query'>, name: string): string | undefined {
  return query.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.");
  }
}
