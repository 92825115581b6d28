// A JWKS over HTTP that can be switched: other keys, any answer, an error, or none at all.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';

export interface JwksServer {
  readonly url: string;
  /** How often it was asked. */
  readonly asked: number;
  publish(...keys: unknown[]): void;
  respond(status: number, body: string): void;
  hang(): void;
  close(): Promise<void>;
}

export async function startJwksServer(): Promise<JwksServer> {
  let asked = 0;
  let answer = (response: ServerResponse) => void response.writeHead(500).end();
  const server = createServer((_, response) => {
    asked += 1;
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const respond = (status: number, body: string) => {
    answer = (response) => void response.writeHead(status).end(body);
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    get asked() {
      return asked;
    },
    publish: (...keys) => respond(200, JSON.stringify({ keys })),
    respond,
    hang: () => (answer = () => {}),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export interface SigningKey {
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  /** A token of bob's for the app `chat`, unless the claims say otherwise. */
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

export async function createSigningKey(algorithm = 'ES256'): Promise<SigningKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const hour = 3_600;
  return {
    publicJwk: await exportJWK(pair.publicKey),
    privateJwk: await exportJWK(pair.privateKey),
    sign: (claims = {}, header = {}) =>
      new SignJWT({
        iss: 'https://id.example.com',
        aud: 'chat',
        sub: 'bob',
        exp: Math.floor(Date.now() / 1000) + hour,
        ...claims,
      })
        .setProtectedHeader({ alg: algorithm, ...header })
        .sign(pair.privateKey),
  };
}
