// Encrypts what a browser is pushed (RFC 8291, one record of RFC 8188): the push service cannot read it.
import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

export interface SubscriptionKeys {
  /** The browser's public key, an uncompressed point of P-256. */
  readonly p256dh: Buffer;
  readonly auth: Buffer;
}

const RECORD_SIZE_BYTES = 4_096;
const SALT_BYTES = 16;
const KEY_BYTES = 16;
const NONCE_BYTES = 12;
/** Ends the last record. */
const DELIMITER = Buffer.from([2]);
const HEADER_BYTES = SALT_BYTES + 4 + 1 + 65;
const TAG_BYTES = 16;
/** So much text fits into the 4,096 bytes that a push service takes. */
export const MAX_TEXT_BYTES = RECORD_SIZE_BYTES - HEADER_BYTES - DELIMITER.length - TAG_BYTES;

/** @throws Error when the key is no point of the curve. */
export function encryptPush(text: string, { p256dh, auth }: SubscriptionKeys): Buffer {
  const sender = createECDH('prime256v1');
  const publicKey = sender.generateKeys();
  const salt = randomBytes(SALT_BYTES);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, publicKey]);
  const keyMaterial = Buffer.from(hkdfSync('sha256', sender.computeSecret(p256dh), auth, info, 32));
  const derive = (label: string, sizeBytes: number) =>
    Buffer.from(hkdfSync('sha256', keyMaterial, salt, `Content-Encoding: ${label}\0`, sizeBytes));
  const cipher = createCipheriv('aes-128-gcm', derive('aes128gcm', KEY_BYTES), derive('nonce', NONCE_BYTES));
  const sizes = Buffer.alloc(5);
  sizes.writeUInt32BE(RECORD_SIZE_BYTES);
  sizes.writeUInt8(publicKey.length, 4);
  return Buffer.concat([
    salt,
    sizes,
    publicKey,
    cipher.update(text),
    cipher.update(DELIMITER),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}
