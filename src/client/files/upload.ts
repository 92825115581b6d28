// Puts a file into the store, over networks that break and URLs that end, until it is there or the app takes it back.
import { backoffMs, resendBackoff } from '../backoff.ts';
import { checkOpen, type Device } from '../device.ts';
import { connectionLost, ImError } from '../errors.ts';
import type { NewFile } from '../extra-operations.ts';
import { standardUploader, type Uploader } from './uploader.ts';

export interface UploadOptions {
  /** Default: what the file is called, else what it is. */
  readonly name?: string;
  /** `type/subtype`; default: the file's. */
  readonly mime?: string;
  /** Takes it back: it rejects with `cancelled`, and nothing is sent. */
  readonly signal?: AbortSignal;
  /** How much is on its way; begins anew when it is tried again. Without XMLHttpRequest it is told once, at the end. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
  /** Default: the platform's. */
  readonly uploader?: Uploader;
}

const MAX_TRIES = 4;

/** The same again may succeed. */
const isPassing = (status: number) => status >= 500 || status === 408 || status === 409 || status === 429;
/** The URL's time is over, or that of the credentials that signed it. */
const isOutdated = (status: number) => status === 400 || status === 403;
/** `If-None-Match`: an earlier try got there, and only its answer was lost. */
const isThere = (status: number) => (status >= 200 && status < 300) || status === 412;

/** Resolves with what a message, or a profile, names it by. Rejects with ImError. */
export async function upload(
  device: Device,
  file: Blob,
  wanted: NewFile,
  { signal, onProgress = () => {}, uploader = standardUploader }: UploadOptions,
): Promise<string> {
  const { environment } = device;
  const total = file.size;
  let place: Awaited<ReturnType<typeof ask>> | undefined;
  const ask = () => unlessCancelled(signal, device.ask('upload', wanted));
  for (let tries = 1; ; tries++) {
    checkOpen(device);
    if (!place || place.expiresAt <= environment.now()) place = await ask();
    const { url, headers, media } = place;
    const report = (sentBytes: number) => {
      if (!signal?.aborted) onProgress(Math.min(sentBytes, total), total);
    };
    const putting = uploader({ url, headers, file, signal, onProgress: report });
    const answer = await unlessCancelled(
      signal,
      putting.catch((cause: unknown) => ({ cause })),
    );
    if (typeof answer === 'number' && isThere(answer)) {
      report(total);
      // Whoever is told may take it back right then.
      return unlessCancelled(signal, Promise.resolve(media));
    }
    const error = explain(answer);
    if (!error.retryable || tries === MAX_TRIES) throw error;
    if (typeof answer === 'number' && isOutdated(answer)) place = undefined;
    const delayMs = backoffMs(resendBackoff, tries - 1, environment.random());
    await unlessCancelled(signal, new Promise<void>((resolve) => environment.setTimer(resolve, delayMs)));
  }
}

function explain(answer: number | { readonly cause: unknown }): ImError {
  if (typeof answer === 'object') {
    const { message, retryable } = connectionLost('The file did not reach the store');
    return new ImError('connection_lost', message, { retryable, cause: answer.cause });
  }
  const retryable = isPassing(answer) || isOutdated(answer);
  return new ImError('refused', `The store answered ${answer}`, { status: answer, retryable });
}

/** Rejects with ImError `cancelled` as soon as the signal says so. */
async function unlessCancelled<T>(signal: AbortSignal | undefined, awaited: Promise<T>): Promise<T> {
  if (!signal) return awaited;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new ImError('cancelled', 'The app took the file back', { cause: signal.reason }));
    signal.addEventListener('abort', abort);
  });
  if (signal.aborted) abort();
  try {
    return await Promise.race([aborted, awaited]);
  } finally {
    signal.removeEventListener('abort', abort);
    // Nobody waits for it any more.
    awaited.catch(() => {});
  }
}
