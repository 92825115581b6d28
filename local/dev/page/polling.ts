// Asks for the state twice a second, while somebody looks.
import type { DevState } from '../state.ts';

export const pollMs = 500;
const patienceMs = 5_000;

export type PollStatus = 'live' | 'paused' | 'lost';

export interface PollingOptions {
  readonly onState: (state: DevState) => void;
  /** The state comes from another cloud than the one before. */
  readonly onRestart: () => void;
  readonly onStatus: (status: PollStatus) => void;
}

export interface Polling {
  pause(): void;
  resume(): void;
}

export function startPolling({ onState, onRestart, onStatus }: PollingOptions): Polling {
  let paused = false;
  let asking = false;
  let timer: number | undefined;
  let lastEventId = 0;
  let startedAt: number | undefined;

  const refresh = async () => {
    const state = await readState(lastEventId);
    if (startedAt !== undefined && startedAt !== state.startedAt) {
      // Its events are numbered from one again: the next time, all of them.
      startedAt = undefined;
      lastEventId = 0;
      return onRestart();
    }
    ({ startedAt } = state);
    lastEventId = state.events.at(-1)?.id ?? lastEventId;
    onState(state);
  };
  const tick = async () => {
    const status = await refresh().then(
      () => 'live' as const,
      () => 'lost' as const,
    );
    if (!paused) onStatus(status);
    asking = false;
    timer = setTimeout(start, pollMs);
  };
  const start = () => {
    clearTimeout(timer);
    if (asking || paused || document.hidden) return;
    asking = true;
    void tick();
  };

  document.addEventListener('visibilitychange', start);
  start();
  return {
    pause() {
      paused = true;
      onStatus('paused');
    },
    resume() {
      paused = false;
      start();
    },
  };
}

async function readState(afterEventId: number): Promise<DevState> {
  const response = await fetch(`/dev/state?after=${afterEventId}`, {
    signal: AbortSignal.timeout(patienceMs),
  });
  if (!response.ok) throw new Error(`/dev/state: ${response.status}`);
  return (await response.json()) as DevState;
}
