// A token that is made of a secret, and used until shortly before it ends.

export interface MadeToken {
  readonly value: string;
  /** Milliseconds since the epoch; not used from then on. */
  readonly staleAt: number;
}

export interface KeptToken {
  /** Asks that come while it is being made share it. A secret that was rotated makes another one. */
  get(secret: string): Promise<string>;
  /** It was refused: not used again. Whoever refers to one that was replaced meanwhile changes nothing. */
  discard(value: string): void;
}

export function keepToken(make: (secret: string) => Promise<MadeToken>, now: () => number): KeptToken {
  let kept: (MadeToken & { readonly secret: string }) | undefined;
  let pending: { readonly secret: string; readonly made: Promise<MadeToken> } | undefined;

  const begin = (secret: string) => {
    const started = { secret, made: make(secret) };
    pending = started;
    const forget = () => {
      if (pending === started) pending = undefined;
    };
    started.made.then((token) => (kept = { ...token, secret })).then(forget, forget);
    return started;
  };
  return {
    async get(secret) {
      if (kept?.secret === secret && now() < kept.staleAt) return kept.value;
      const { made } = pending?.secret === secret ? pending : begin(secret);
      return (await made).value;
    },
    discard(value) {
      if (kept?.value === value) kept = undefined;
    },
  };
}
