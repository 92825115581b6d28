/** The subprotocol that client and server agree on when a connection opens. */
export const SUBPROTOCOL = 'im.v1';

/** Prefix of the second offered subprotocol, which carries the token: `bearer.<JWT>`. */
export const BEARER_PREFIX = 'bearer.';
