// Origins of web pages and of apps that are made of one, in the one form that they are compared in.

/** Schemes whose origins URL parsers know; of every other (`capacitor://localhost`) they say `null`. */
const WEB = /^https?:$/;
/** Scheme, host and perhaps a port. A slash at the end is what people copy from an address bar. */
const APP = /^([a-z][a-z0-9+.-]*):\/\/([a-z0-9.-]+(?::\d{1,5})?)\/?$/i;

/**
 * The serialised form of an origin (RFC 6454 §6.1): scheme and host in lower case, no slash, no default port.
 * `undefined` for what is none: a path, a wildcard, credentials, or `null`, which any sandboxed page sends.
 */
export function serializeOrigin(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.username || url.password || text.includes('*')) return undefined;
  if (!WEB.test(url.protocol)) return APP.test(text) ? text.replace(/\/$/, '').toLowerCase() : undefined;
  return url.pathname === '/' && !/[?#]/.test(text) ? url.origin : undefined;
}
