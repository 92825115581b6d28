// The developer page: what the local cloud does, as it does it.
import type { DevState } from '../state.ts';
import { byId, typedById } from './dom.ts';
import { createEvents } from './events.ts';
import { createFaultForm } from './fault-form.ts';
import { formatDuration } from './format.ts';
import { renderNotifications } from './notifications.ts';
import { renderOverview } from './overview.ts';
import { startPolling, type PollStatus } from './polling.ts';
import { createTiles } from './tiles.ts';
import { createTokenForm } from './token-form.ts';

const statusTexts: Readonly<Record<PollStatus, string>> = {
  live: 'Live',
  paused: 'Paused',
  lost: 'No answer',
};

const tiles = createTiles();
const events = createEvents();
const faultForm = createFaultForm();
createTokenForm();

const polling = startPolling({
  onState(state) {
    byId('about').textContent = aboutOf(state);
    tiles.render(state);
    renderOverview(state);
    renderNotifications(state.notifications);
    faultForm.render(state.faults);
    events.add(state.events);
  },
  onRestart() {
    tiles.forget();
    events.forget();
  },
  onStatus: showStatus,
});

const pause = typedById('pause', HTMLButtonElement);
pause.addEventListener('click', () => {
  const paused = pause.getAttribute('aria-pressed') !== 'true';
  pause.setAttribute('aria-pressed', String(paused));
  pause.textContent = paused ? 'Resume' : 'Pause';
  if (paused) polling.pause();
  else polling.resume();
});
byId('reset').addEventListener('click', () => {
  fetch('/dev/metrics/reset', { method: 'POST' }).catch(() => showStatus('lost'));
});

function aboutOf({ stack, stage, database, now, startedAt }: DevState): string {
  return `${stack} · stage ${stage} · ${database} · up ${formatDuration(now - startedAt)} · ws://${location.host}`;
}

function showStatus(status: PollStatus): void {
  const target = byId('status');
  // A live region: it is read out whenever it is written to.
  if (target.dataset['status'] === status) return;
  target.dataset['status'] = status;
  target.textContent = statusTexts[status];
}
