// How webhooks are signed, for their receivers to know whom they are from.
import { createHmac } from 'node:crypto';

/** The value of `X-Im-Signature`. */
export function signBody(secret: string, body: string, seconds: number): string {
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${digest}`;
}
