// Frames as somebody sees them who has read the protocol and nothing else.
export type ServerFrame = Readonly<Record<string, unknown>>;
export type Role = 'owner' | 'admin' | 'member';

export const codeOf = (frame: ServerFrame): string | undefined =>
  (frame['error'] as { readonly code: string } | undefined)?.code;

export const isRetryable = (frame: ServerFrame): boolean => {
  const error = frame['error'] as { readonly code: string; readonly retryable: boolean } | undefined;
  // A token that is over: the next connection has a new one.
  return error !== undefined && (error.retryable || error.code === 'unauthorized');
};
