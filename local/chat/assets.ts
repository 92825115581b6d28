// The web chat at /chat/, bundled when it is first asked for: the same files as a deployment has, and a configuration that
// lets anybody of this machine in by name.
import { bundleWeb, type WebFiles } from '../../scripts/build-web.ts';
import type { Answer, Endpoint } from '../dev/answers.ts';

/** It talks with this server, and with the local store of media; styles are set by script, but none is in line. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' https: blob: http://127.0.0.1:*",
  "media-src 'self' https: blob: http://127.0.0.1:*",
  "connect-src 'self' ws://127.0.0.1:* ws://localhost:* http://127.0.0.1:*",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<keyof WebFiles, string>> = {
  'index.html': 'text/html',
  'app.js': 'text/javascript',
  'app.css': 'text/css',
  'icon.svg': 'image/svg+xml',
};

export function chatEndpoints(): Readonly<Record<string, Endpoint>> {
  let bundled: Promise<WebFiles> | undefined;
  const file = (name: keyof WebFiles) => async (): Promise<Answer> => {
    bundled ??= bundleWeb();
    const files = await bundled.catch((error: unknown) => {
      bundled = undefined;
      throw error;
    });
    return { ...page(types[name], files[name]) };
  };
  // An empty address: where the page is from.
  const config = { url: '', tokenUrl: '/dev/token' };
  return {
    'GET /chat': () => page('text/html', '<meta http-equiv="refresh" content="0; url=/chat/" />'),
    'GET /chat/': file('index.html'),
    'GET /chat/app.js': file('app.js'),
    'GET /chat/app.css': file('app.css'),
    'GET /chat/icon.svg': file('icon.svg'),
    'GET /chat/config.json': () => page('application/json', JSON.stringify(config)),
  };
}

const page = (contentType: string, content: string): Answer => ({
  status: 200,
  contentType: `${contentType}; charset=utf-8`,
  content,
  contentSecurityPolicy,
});
