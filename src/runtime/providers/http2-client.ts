// Posts over HTTP/2: one session an origin, used until it goes away.
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';

export interface Http2Answer {
  readonly status: number;
  readonly body: string;
}

export interface Http2Post {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Http2Client {
  /** @throws Error when there was no answer in time; the next one goes over a new session then. */
  post(request: Http2Post): Promise<Http2Answer>;
}

export function createHttp2Client(timeoutMs: number): Http2Client {
  const sessions = new Map<string, ClientHttp2Session>();

  const retire = (origin: string, session: ClientHttp2Session) => {
    if (sessions.get(origin) === session) sessions.delete(origin);
    // Others may still be answered on it; a connection that is dead would never say that it has ended.
    session.setTimeout(timeoutMs, () => session.destroy());
    session.close();
  };
  const sessionFor = (origin: string): ClientHttp2Session => {
    const present = sessions.get(origin);
    if (present && !present.closed && !present.destroyed) return present;
    const session = connect(origin);
    sessions.set(origin, session);
    // Each stream says so itself; without a listener an error of the session would end the process.
    session.on('error', () => {});
    session.on('goaway', () => retire(origin, session));
    return session;
  };
  return {
    async post({ origin, path, headers, body }) {
      const session = sessionFor(origin);
      try {
        const request = { ':method': 'POST', ':path': path, ...headers };
        return await ask(session, request, body, timeoutMs);
      } catch (error) {
        retire(origin, session);
        throw error;
      }
    },
  };
}

function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: string,
  timeoutMs: number,
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { signal: AbortSignal.timeout(timeoutMs) });
    let status: number | undefined;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (answer) => (status = answer[':status']));
    stream.on('data', (chunk: string) => (text += chunk));
    stream.on('error', reject);
    // A stream may be cancelled without an error.
    stream.on('close', () => {
      if (status === undefined) reject(new Error('The stream was closed without an answer'));
      else resolve({ status, body: text });
    });
    stream.end(body);
  });
}
