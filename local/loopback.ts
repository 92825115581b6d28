// Who may speak to the servers of the local cloud: processes of this machine, and no web page from elsewhere.

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'];

/** A page elsewhere may have its own name resolve to the loopback (DNS rebinding): then `Host` carries that name. */
export function isLoopbackHost(host: string | undefined): boolean {
  return isLoopbackUrl(`http://${host ?? ''}`);
}

export function isLoopbackUrl(url: string): boolean {
  return URL.canParse(url) && loopbackNames.includes(new URL(url).hostname);
}
