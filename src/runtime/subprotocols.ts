// What a client offers when it connects: the protocol's version, and the token beside it.
import { BEARER_PREFIX, SUBPROTOCOL } from '../protocol/version.ts';

/** The token among the offered subprotocols: `im.v1, bearer.<JWT>`. */
export function readSubprotocols(offered: string | undefined): { version: boolean; token?: string } {
  const names = (offered ?? '').split(',').map((name) => name.trim());
  const bearer = names.find((name) => name.startsWith(BEARER_PREFIX));
  return {
    version: names.includes(SUBPROTOCOL),
    ...(bearer && { token: bearer.slice(BEARER_PREFIX.length) }),
  };
}
