// The meters at the top: totals since the last reset, rates, and half a minute of history.
import type { DevState } from '../state.ts';
import { byId, element } from './dom.ts';
import { formatCount, formatUnits } from './format.ts';
import { pollMs } from './polling.ts';

interface Meter {
  readonly label: string;
  /** A level is drawn as it is; a count as its growth. */
  readonly kind: 'level' | 'count';
  readonly alarming?: true;
  readonly format: (value: number) => string;
  readonly read: (state: DevState) => number;
}

const meters: readonly Meter[] = [
  {
    label: 'Connections',
    kind: 'level',
    format: formatCount,
    read: ({ metrics }) => metrics.gateway.connections,
  },
  {
    label: 'Messages in',
    kind: 'count',
    format: formatCount,
    read: ({ metrics }) => metrics.gateway.messagesIn,
  },
  {
    label: 'Messages out',
    kind: 'count',
    format: formatCount,
    read: ({ metrics }) => metrics.gateway.messagesOut,
  },
  { label: 'Invocations', kind: 'count', format: formatCount, read: (state) => sum(state, 'invocations') },
  {
    label: 'Write units',
    kind: 'count',
    format: formatUnits,
    read: ({ metrics }) => metrics.dynamodb.writeUnits,
  },
  {
    label: 'Function errors',
    kind: 'count',
    alarming: true,
    format: formatCount,
    read: (state) => sum(state, 'errors') + sum(state, 'timeouts'),
  },
];

function sum({ metrics }: DevState, key: 'invocations' | 'errors' | 'timeouts'): number {
  return Object.values(metrics.lambda).reduce((total, usage) => total + usage[key], 0);
}

const historyMs = 30_000;
const sampleCount = historyMs / pollMs;
const rateSampleCount = 2_000 / pollMs;
const sparkHeight = 34;

export interface Tiles {
  render(state: DevState): void;
  /** Another cloud: its history begins now. */
  forget(): void;
}

export function createTiles(): Tiles {
  const tiles = meters.map(createTile);
  byId('tiles').append(...tiles.map(({ root }) => root));
  return {
    render: (state) => tiles.forEach(({ render }) => render(state)),
    forget: () => tiles.forEach(({ forget }) => forget()),
  };
}

function createTile(meter: Meter) {
  const value = element('span');
  const rate = element('span', { className: 'tile-rate' });
  const spark = createSpark();
  const root = element(
    'article',
    { className: 'tile' },
    element('h3', {}, meter.label),
    element('p', { className: 'tile-value' }, value, rate),
    spark.root,
  );
  let samples: number[] = [];
  let last: number | undefined;

  const render = (state: DevState) => {
    const current = meter.read(state);
    // After a reset a count begins again: what it shows has been added since.
    const growth = last === undefined ? 0 : current < last ? current : current - last;
    last = current;
    samples = [...samples, meter.kind === 'level' ? current : growth].slice(-sampleCount);
    value.textContent = meter.format(current);
    rate.textContent = meter.kind === 'count' ? rateText(samples) : '';
    root.classList.toggle('alarm', meter.alarming === true && current > 0);
    spark.draw(samples);
  };
  const forget = () => {
    samples = [];
    last = undefined;
  };
  return { root, render, forget };
}

function rateText(samples: readonly number[]): string {
  const recent = samples.slice(-rateSampleCount);
  const perSecond = recent.reduce((total, sample) => total + sample, 0) / ((recent.length * pollMs) / 1000);
  return perSecond === 0 ? '' : `${formatUnits(perSecond)}/s`;
}

function createSpark() {
  const svg = (name: string, attributes: Readonly<Record<string, string>>) => {
    const created = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
    return created;
  };
  const root = svg('svg', {
    viewBox: `0 0 ${sampleCount - 1} ${sparkHeight}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  const area = svg('polygon', { class: 'spark-area' });
  const line = svg('polyline', { class: 'spark-line' });
  root.append(area, line);

  const draw = (samples: readonly number[]) => {
    const highest = Math.max(1, ...samples);
    const left = sampleCount - samples.length;
    const points = samples.map((sample, index) => {
      const y = sparkHeight - 1 - (sample / highest) * (sparkHeight - 6);
      return `${left + index},${y.toFixed(1)}`;
    });
    line.setAttribute('points', points.join(' '));
    area.setAttribute(
      'points',
      [`${left},${sparkHeight}`, ...points, `${sampleCount - 1},${sparkHeight}`].join(' '),
    );
  };
  return { root, draw };
}
