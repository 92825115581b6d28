// One fault of the plan: a switch, its value, and how often it has struck.
import { element } from './dom.ts';
import type { FaultField, FaultValue } from './fault-fields.ts';
import { formatCount } from './format.ts';

export interface FaultControl {
  readonly root: HTMLElement;
  /** Undefined: switched off. */
  read(): FaultValue | undefined;
  write(value: FaultValue | undefined): void;
  showInjected(count: number): void;
}

interface ValueInputs {
  readonly nodes: readonly (Node | string)[];
  readonly inputs: readonly HTMLInputElement[];
  read(): FaultValue;
  write(value: FaultValue): void;
}

export function createFaultControl(id: string, field: FaultField): FaultControl {
  const toggle = element('input', { type: 'checkbox', id });
  toggle.setAttribute('role', 'switch');
  const values = createInputs(field);
  const injected = element('span', {
    className: 'fault-count',
    title: 'So often since the plan was applied',
  });
  const enable = () => {
    for (const input of values.inputs) input.disabled = !toggle.checked;
  };
  const write = (value: FaultValue | undefined) => {
    toggle.checked = typeof value === 'boolean' ? value === field.typical : value !== undefined;
    values.write(value ?? field.typical);
    enable();
  };
  toggle.addEventListener('change', enable);
  write(undefined);
  return {
    root: element(
      'div',
      { className: 'fault-row', title: field.hint },
      element('label', {}, toggle, field.label),
      injected,
      element('span', { className: 'fault-values' }, ...values.nodes),
    ),
    read: () => (toggle.checked ? values.read() : undefined),
    write,
    showInjected(count) {
      injected.textContent = count === 0 ? '' : `${formatCount(count)} ×`;
    },
  };
}

function createInputs({ label, typical }: FaultField): ValueInputs {
  if (typeof typical === 'boolean') return { nodes: [], inputs: [], read: () => typical, write: () => {} };
  return typeof typical === 'number' ? rateInput(label) : rangeInputs(label);
}

/** In percent, as people say it. */
function rateInput(label: string): ValueInputs {
  const input = numberInput(`${label}: percent`, '100');
  return {
    nodes: [input, unit('%')],
    inputs: [input],
    read: () => round(input.valueAsNumber / 100),
    write: (value) => (input.value = String(round(Number(value) * 100))),
  };
}

function rangeInputs(label: string): ValueInputs {
  const inputs = [
    numberInput(`${label}: at least, in ms`, '60000'),
    numberInput(`${label}: at most, in ms`, '60000'),
  ] as const;
  const [least, most] = inputs;
  return {
    nodes: [least, '–', most, unit('ms')],
    inputs,
    read: () => [least.valueAsNumber, most.valueAsNumber],
    write(value) {
      const [minMs, maxMs] = value as [number, number];
      least.value = String(minMs);
      most.value = String(maxMs);
    },
  };
}

function numberInput(name: string, max: string): HTMLInputElement {
  const input = element('input', { type: 'number', min: '0', max, step: 'any', required: true });
  input.setAttribute('aria-label', name);
  return input;
}

function unit(text: string): HTMLElement {
  return element('span', { className: 'fault-unit' }, text);
}

/** 0.07 * 100 is 7, not 7.000000000000001. */
function round(value: number): number {
  return Number(value.toFixed(6));
}
