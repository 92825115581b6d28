// One try to get a connection: a token, then the handshake. It always has an outcome, for both have their limits.
import type { CloseReason, Connection } from './connection.ts';
import { connectionLost, toImError, type ImError } from '../errors.ts';
import type { Token } from './token.ts';

export type Outcome =
  | { readonly is: 'open'; readonly connection: Connection }
  | { readonly is: 'refused'; readonly reason: CloseReason; readonly token: Token }
  | { readonly is: 'failed'; readonly error: ImError };

type Step =
  | { readonly is: 'token' }
  | { readonly is: 'handshake'; readonly connection: Connection }
  | { readonly is: 'cancelled' };

export class Attempt {
  readonly outcome: Promise<Outcome>;
  #step: Step = { is: 'token' };
  #announceCancel = () => {};

  constructor(fetchToken: () => Promise<Token>, connect: (token: string) => Connection) {
    this.outcome = this.#run(fetchToken, connect);
  }

  get isHandshaking(): boolean {
    return this.#step.is === 'handshake';
  }

  /** A connection that came of it is closed. */
  cancel(): void {
    if (this.#step.is === 'handshake') this.#step.connection.close();
    this.#step = { is: 'cancelled' };
    this.#announceCancel();
  }

  async #run(fetchToken: () => Promise<Token>, connect: (token: string) => Connection): Promise<Outcome> {
    const cancelled = new Promise<undefined>((resolve) => (this.#announceCancel = () => resolve(undefined)));
    try {
      // An app that takes its time over a token must not keep us from stopping.
      const token = await Promise.race([fetchToken(), cancelled]);
      if (!token || this.#step.is === 'cancelled') throw connectionLost();
      const connection = connect(token.token);
      this.#step = { is: 'handshake', connection };
      await connection.opened;
      if (connection.isOpen) return { is: 'open', connection };
      return { is: 'refused', reason: await connection.closed, token };
    } catch (cause) {
      return { is: 'failed', error: toImError(cause) };
    }
  }
}
