// S3's errors, in its own words: XML with a code.
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** What S3 answers instead of what was asked. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  /** Elements beside the code and the message. */
  readonly details: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export const accessDenied = (message = 'Access Denied', details: Readonly<Record<string, string>> = {}) =>
  new S3Error(403, 'AccessDenied', message, details);

export const noSuchKey = (key: string) =>
  new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { Key: key });

export function writeError(response: ServerResponse, error: S3Error, isHead: boolean): void {
  const requestId = randomUUID().slice(0, 16).toUpperCase();
  const elements = { Code: error.code, Message: error.message, ...error.details, RequestId: requestId };
  const content = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${Object.entries(elements)
    .map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`)
    .join('')}</Error>`;
  response.writeHead(error.status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(content),
    'x-amz-request-id': requestId,
  });
  response.end(isHead ? undefined : content);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
