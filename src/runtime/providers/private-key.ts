// Reads the private keys in secrets.
import { createPrivateKey, type KeyObject } from 'node:crypto';

/** @throws Error that quotes nothing of it. */
export function readPrivateKey(pem: string, service: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error(`The secret of ${service} has no private key in PEM`);
  }
}
