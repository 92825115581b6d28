// Parts of the SDK that are loaded when they are first asked for: whoever never does has them not to load.
import { ImError } from './errors.ts';

/** Rejects with ImError `connection_lost`: it is not to be had now. */
export function loaded<Part>(part: Promise<Part>): Promise<Part> {
  return part.catch((cause: unknown) => {
    throw new ImError('connection_lost', 'A part of the SDK did not load', { retryable: true, cause });
  });
}
