// Where engines listen: on this machine alone, and where no web page finds them.
import { randomInt } from 'node:crypto';

/**
 * Dynoxide lets any web page read its tables, DynamoDB Local one that has rebound its name, and both know no other door
 * than TCP. All of 127.0.0.0/8 is the loopback on Linux; elsewhere only the first address is.
 */
export function hiddenLoopback(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  return `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
}
