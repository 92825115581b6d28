// How the bytes of a file get to the store: one PUT.
export interface Put {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly file: Blob;
  readonly signal: AbortSignal | undefined;
  /** Bytes of the file that are on their way. */
  readonly onProgress: (sentBytes: number) => void;
}

/** Resolves with the status that the store answered; rejects where there was no answer, or the signal ended it. */
export type Uploader = (put: Put) => Promise<number>;

/** The part of the standard XMLHttpRequest that tells how much is on its way; `fetch` does not. */
interface ProgressRequest {
  readonly upload: {
    addEventListener(type: 'progress', listener: (event: { readonly loaded: number }) => void): void;
  };
  readonly status: number;
  addEventListener(type: 'load' | 'error' | 'abort' | 'loadend', listener: () => void): void;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  send(file: Blob): void;
  abort(): void;
}

export const standardUploader: Uploader = (put) => {
  const { XMLHttpRequest } = globalThis as { readonly XMLHttpRequest?: new () => ProgressRequest };
  return XMLHttpRequest ? putWithProgress(new XMLHttpRequest(), put) : putByFetch(put);
};

async function putByFetch({ url, headers, file, signal }: Put): Promise<number> {
  const response = await fetch(url, { method: 'PUT', headers, body: file, ...(signal && { signal }) });
  // What is left unread keeps its connection.
  await response.arrayBuffer();
  return response.status;
}

function putWithProgress(
  request: ProgressRequest,
  { url, headers, file, signal, onProgress }: Put,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const abort = () => request.abort();
    const fail = () => reject(new TypeError('The store did not answer'));
    request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
    request.addEventListener('load', () => resolve(request.status));
    request.addEventListener('error', fail);
    request.addEventListener('abort', fail);
    request.addEventListener('loadend', () => signal?.removeEventListener('abort', abort));
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    signal?.addEventListener('abort', abort);
    request.send(file);
  });
}
