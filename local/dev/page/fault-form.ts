// The fault plan as a form: it shows the plan in force until somebody edits it, and then what they want.
import type { FaultState } from '../state.ts';
import { byId, element, typedById } from './dom.ts';
import { createFaultControl, type FaultControl } from './fault-control.ts';
import { faultFields, groupNames, type FaultField, type FaultValue, type GroupName } from './fault-fields.ts';
import { formatCount } from './format.ts';
import { showMessage } from './message.ts';

interface Fault {
  readonly group: GroupName;
  readonly name: string;
  readonly field: FaultField;
  readonly control: FaultControl;
}

type PlainPlan = Partial<Record<GroupName, Record<string, FaultValue | undefined>>>;

export interface FaultForm {
  render(faults: FaultState): void;
}

export function createFaultForm(): FaultForm {
  const faults = createFaults();
  const form = typedById('faults-form', HTMLFormElement);
  const seed = typedById('seed', HTMLInputElement);
  const message = byId('faults-message');
  let edited = false;
  let shown = '';

  const show = ({ plan, injected }: FaultState) => {
    byId('faults-note').textContent = noteOf(plan, injected);
    for (const { group, name, control } of faults) control.showInjected(injected[`${group}.${name}`] ?? 0);
    const text = JSON.stringify(plan);
    if (edited || text === shown) return;
    shown = text;
    for (const { group, name, control } of faults) control.write((plan as PlainPlan | null)?.[group]?.[name]);
    if (plan?.seed !== undefined) seed.value = String(plan.seed);
  };
  const change = async (method: 'POST' | 'DELETE', done: string, body?: string) => {
    try {
      const state = await request(method, body);
      edited = false;
      shown = '';
      show(state);
      showMessage(message, done);
    } catch (error) {
      showMessage(message, (error as Error).message, 'bad');
    }
  };

  form.addEventListener('input', () => {
    edited = true;
    showMessage(message, 'Not applied yet.');
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const plan = planOf(faults, seed.valueAsNumber);
    void change('POST', 'Applied: the draws begin anew.', JSON.stringify(plan));
  });
  byId('faults-clear').addEventListener('click', () => void change('DELETE', 'Cleared.'));
  byId('faults-all').addEventListener('click', () => {
    for (const { field, control } of faults) control.write(field.typical);
    edited = true;
    showMessage(message, 'Not applied yet.');
  });
  return { render: show };
}

function createFaults(): Fault[] {
  const groups = byId('fault-groups');
  return (Object.keys(groupNames) as GroupName[]).flatMap((group) => {
    const faults = Object.entries<FaultField>(faultFields[group]).map(([name, field]) => ({
      group,
      name,
      field,
      control: createFaultControl(`${group}.${name}`, field),
    }));
    const legend = element('legend', {}, groupNames[group]);
    const rows = faults.map(({ control }) => control.root);
    groups.append(element('fieldset', { className: 'fault-group' }, legend, ...rows));
    return faults;
  });
}

function planOf(faults: readonly Fault[], seed: number): object {
  const plan: PlainPlan & { seed: number } = { seed };
  for (const { group, name, control } of faults) {
    const value = control.read();
    if (value !== undefined) (plan[group] ??= {})[name] = value;
  }
  return plan;
}

function noteOf(plan: FaultState['plan'], injected: FaultState['injected']): string {
  if (plan === null) return 'none';
  const count = Object.values(injected).reduce((total, value) => total + value, 0);
  return `in force, ${formatCount(count)} so far`;
}

async function request(method: 'POST' | 'DELETE', body?: string): Promise<FaultState> {
  const response = await fetch('/dev/faults', { method, body: body ?? null });
  const answer = (await response.json()) as FaultState & { error?: string };
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
