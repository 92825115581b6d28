// What the local cloud says: one line per event, prefixed and coloured by where it comes from.
import pc from 'picocolors';

export type LogFormat = 'pretty' | 'json' | 'quiet';

export interface Log {
  /** `source` is a function's name, or a part of the cloud such as `gateway`. */
  info(source: string, message: string, details?: LogDetails): void;
  warn(source: string, message: string, details?: LogDetails): void;
  error(source: string, message: string, details?: LogDetails): void;
}

export type LogDetails = Readonly<Record<string, string | number | boolean | undefined>>;

type Level = 'info' | 'warn' | 'error';

const sourceColours = [pc.cyan, pc.magenta, pc.green, pc.blue, pc.yellow, pc.cyanBright, pc.magentaBright];
const levelColours = { info: (text: string) => text, warn: pc.yellow, error: pc.red } as const;

const writers: Record<
  LogFormat,
  (level: Level, source: string, message: string, details: LogDetails) => void
> = {
  pretty(level, source, message, details) {
    const extra = Object.entries(details)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => pc.dim(`${key}=${value}`));
    const prefix = colourOf(source)(source.padEnd(13));
    const text = message
      .split('\n')
      .map((line) => `${prefix} ${levelColours[level](line)}`)
      .join('\n');
    process.stdout.write(`${[text, ...extra].join(' ')}\n`);
  },
  json(level, source, message, details) {
    const line = { time: new Date().toISOString(), level, source, message, ...details };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  },
  quiet(level, source, message) {
    if (level === 'error') process.stderr.write(`${source} ${message}\n`);
  },
};

/** `error` is for failures of the cloud itself; what functions say and suffer is `info` and `warn`. */
export function createLog(format: LogFormat): Log {
  const write = writers[format];
  const at =
    (level: Level) =>
    (source: string, message: string, details: LogDetails = {}) =>
      write(level, source, message, details);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** The same function has the same colour in every run. */
function colourOf(source: string): (text: string) => string {
  let sum = 0;
  for (const character of source) sum = (sum * 31 + character.charCodeAt(0)) % 9973;
  return sourceColours[sum % sourceColours.length]!;
}
