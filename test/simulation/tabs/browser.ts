// What the tabs of one app share of their browser, as the standards have it: locks that end with the page that has them
// (https://w3c.github.io/web-locks/), and channels that lose nothing and keep each page's order. A page hears of both a little late.
import type { Channel, LockOptions, Locks, TabPlatform } from '../../../src/client/tabs/platform.ts';
import type { Random } from '../../../local/faults/random.ts';

const MAX_LATENCY_MS = 4;
/** A page in the background gets its turns late, in some browsers often. */
const LAZY_RATES = [0.03, 0.4] as const;
const MAX_LAZY_MS = 250;

export interface BrowserOptions {
  readonly wait: (ms: number) => Promise<void>;
  readonly random: Random;
}

export interface Page extends TabPlatform {
  /** It is gone, at once: what it waited for never comes. */
  end(): void;
}

interface Request {
  readonly page: { isOver: boolean };
  readonly hold: () => Promise<void>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

interface Lock {
  held: Request | undefined;
  waiting: Request[];
}

interface Ear {
  readonly page: { isOver: boolean };
  readonly listeners: ((event: { data: unknown }) => void)[];
  /** What was told before is heard before. */
  turn: Promise<void>;
  isClosed: boolean;
}

export class Browser {
  private readonly options: BrowserOptions;
  private readonly lazyRate: number;
  private readonly locks = new Map<string, Lock>();
  private readonly ears = new Map<string, Set<Ear>>();

  constructor(options: BrowserOptions) {
    this.options = options;
    this.lazyRate = LAZY_RATES[options.random.integer(0, LAZY_RATES.length - 1)]!;
  }

  openPage(): Page {
    const page = { isOver: false };
    return {
      locks: { request: (name, options, hold) => this.request(page, name, options, hold) },
      openChannel: (name) => this.openChannel(page, name),
      end: () => this.end(page),
    };
  }

  private end(page: Request['page']): void {
    page.isOver = true;
    for (const lock of this.locks.values()) {
      lock.waiting = lock.waiting.filter((request) => request.page !== page);
      if (lock.held?.page === page) this.passOn(lock);
    }
    for (const ears of this.ears.values()) {
      for (const ear of ears) if (ear.page === page) ears.delete(ear);
    }
  }

  private request(
    page: Request['page'],
    name: string,
    { steal, signal }: LockOptions,
    hold: Parameters<Locks['request']>[2],
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (page.isOver) return;
      if (signal?.aborted) return reject(signal.reason);
      const lock = this.locks.get(name) ?? { held: undefined, waiting: [] };
      this.locks.set(name, lock);
      const request: Request = { page, hold, resolve, reject };
      if (steal) {
        lock.held?.reject(new DOMException('It was stolen', 'AbortError'));
        lock.waiting.unshift(request);
        return this.passOn(lock);
      }
      lock.waiting.push(request);
      signal?.addEventListener('abort', () => {
        if (!lock.waiting.includes(request)) return;
        lock.waiting = lock.waiting.filter((other) => other !== request);
        reject(signal.reason);
      });
      if (!lock.held) this.passOn(lock);
    });
  }

  private passOn(lock: Lock): void {
    const next = lock.waiting.shift();
    lock.held = next;
    if (next) void this.grant(lock, next);
  }

  private async grant(lock: Lock, request: Request): Promise<void> {
    await this.latency();
    if (lock.held !== request) return;
    try {
      request.resolve(await request.hold());
    } catch (error) {
      request.reject(error);
    }
    if (lock.held === request) this.passOn(lock);
  }

  private openChannel(page: Request['page'], name: string): Channel {
    const ears = this.ears.get(name) ?? new Set();
    this.ears.set(name, ears);
    const own: Ear = { page, listeners: [], turn: Promise.resolve(), isClosed: page.isOver };
    ears.add(own);
    return {
      postMessage: (data) => {
        if (page.isOver || own.isClosed) return;
        for (const ear of ears) if (ear !== own) this.tell(ear, structuredClone(data));
      },
      addEventListener: (_type, listener) => own.listeners.push(listener),
      close: () => {
        own.isClosed = true;
        ears.delete(own);
      },
    };
  }

  private tell(ear: Ear, data: unknown): void {
    ear.turn = this.tellAfter(ear.turn, ear, data);
  }

  /** In the order in which it was told; what is late holds up what comes after it, and no longer. */
  private async tellAfter(turn: Promise<void>, ear: Ear, data: unknown): Promise<void> {
    await Promise.all([turn, this.latency()]);
    if (ear.page.isOver || ear.isClosed) return;
    for (const listener of ear.listeners) listener({ data });
  }

  private latency(): Promise<void> {
    const { wait, random } = this.options;
    return wait(random.between(0, random.next() < this.lazyRate ? MAX_LAZY_MS : MAX_LATENCY_MS));
  }
}
