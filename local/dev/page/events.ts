// The last events, newest first: ids and sizes, never what was said.
import type { ClientIdentity, RecordedActivity } from '../../activity.ts';
import { badge, byId, element, renderRows, typedById, type Cell, type Row } from './dom.ts';
import { formatClock, formatCount, formatSize } from './format.ts';

const maximumEvents = 300;
const maximumRows = 100;

const filters: Readonly<Record<string, (event: RecordedActivity) => boolean>> = {
  All: () => true,
  Connections: ({ kind }) => kind === 'connected' || kind === 'disconnected' || kind === 'refused',
  Messages: ({ kind }) => kind === 'messageIn' || kind === 'messageOut',
  Invocations: ({ kind }) => kind === 'invocation',
  Problems: (event) =>
    event.kind === 'refused' || (event.kind === 'invocation' && event.outcome !== 'returned'),
};

export interface Events {
  add(events: readonly RecordedActivity[]): void;
  forget(): void;
}

export function createEvents(): Events {
  let kept: readonly RecordedActivity[] = [];
  let shown = 'All';

  const render = () => {
    const wanted = kept.filter(filters[shown]!).slice(-maximumRows).toReversed();
    renderRows(typedById('events', HTMLTableElement), wanted.map(rowOf));
  };
  byId('event-filter').append(
    ...Object.keys(filters).map((name) => {
      const choice = element('input', { type: 'radio', name: 'event-filter', checked: name === shown });
      choice.addEventListener('change', () => {
        shown = name;
        render();
      });
      return element('label', {}, choice, name);
    }),
  );
  render();
  return {
    add(events) {
      if (events.length === 0) return;
      kept = [...kept, ...events].slice(-maximumEvents);
      render();
    },
    forget() {
      kept = [];
      render();
    },
  };
}

function rowOf(event: RecordedActivity): Row {
  return { key: String(event.id), cells: [formatClock(event.at), ...cellsOf(event)] };
}

function cellsOf(event: RecordedActivity): (Cell | string)[] {
  switch (event.kind) {
    case 'connected':
      return [badge('connect', 'good'), event.client.platform ?? '', who(event.client), ''];
    case 'disconnected':
      return [badge('disconnect', 'plain'), `close code ${event.code}`, who(event.client), ''];
    case 'refused':
      return [badge('refused', 'warn'), `status ${event.status}`, '', ''];
    case 'messageIn':
      return [badge('in', 'blue'), event.route, who(event.client), formatSize(event.sizeBytes)];
    case 'messageOut':
      return [badge('out', 'violet'), outRoute(event.route), who(event.client), formatSize(event.sizeBytes)];
    case 'invocation': {
      const failed = event.outcome !== 'returned';
      const what = [event.functionName, ...(event.coldStart ? ['cold start'] : [])].join(', ');
      return [
        failed ? badge(event.outcome, 'bad') : badge('invoke', 'plain'),
        what,
        '',
        `${formatCount(event.durationMs)} ms`,
      ];
    }
  }
}

function outRoute(route: string): string {
  return route === '@connections' ? 'posted by a function' : `answer to ${route}`;
}

function who({ userId, deviceId, connectionId }: ClientIdentity): Cell {
  return { text: [userId ?? connectionId, ...(deviceId ? [deviceId] : [])].join(' / '), title: connectionId };
}
