// Signatures as AWS documents them, with its own examples.
// docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and sig-v4-header-based-auth.html
import { describe, expect, it } from 'vitest';
import { signatureOf } from '../../../local/iam/signature.ts';

const signing = {
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  scope: { date: '20130524', region: 'us-east-1', service: 's3' },
  timestamp: '20130524T000000Z',
};
const host = 'examplebucket.s3.amazonaws.com';
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('the signature of the documentation', () => {
  it('in the query', () => {
    const request = {
      method: 'GET',
      segments: ['test.txt'],
      query: [
        ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
        ['X-Amz-Credential', 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'],
        ['X-Amz-Date', '20130524T000000Z'],
        ['X-Amz-Expires', '86400'],
        ['X-Amz-SignedHeaders', 'host'],
        ['X-Amz-Signature', 'is no part of it'],
      ] as const,
      headers: { host },
    };
    expect(
      signatureOf(request, { ...signing, signedHeaders: ['host'], payloadHash: 'UNSIGNED-PAYLOAD' }),
    ).toBe('aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404');
  });

  it('in the headers: a range of an object', () => {
    const headers = {
      host,
      range: 'bytes=0-9',
      'x-amz-content-sha256': emptyHash,
      'x-amz-date': '20130524T000000Z',
    };
    const request = { method: 'GET', segments: ['test.txt'], query: [], headers };
    const signed = { ...signing, signedHeaders: Object.keys(headers).toSorted(), payloadHash: emptyHash };
    expect(signatureOf(request, signed)).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it('in the headers: an object with a name that has to be encoded', () => {
    const payloadHash = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const headers = {
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      host,
      'x-amz-content-sha256': payloadHash,
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    };
    const request = { method: 'PUT', segments: ['test$file.text'], query: [], headers };
    const signed = { ...signing, signedHeaders: Object.keys(headers).toSorted(), payloadHash };
    expect(signatureOf(request, signed)).toBe(
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    );
  });
});
