// Functions, connections, tables and event sources, each as a table.
import type { DevState } from '../state.ts';
import { byId, renderRows, typedById, type Cell, type Row } from './dom.ts';
import { formatCount, formatDuration, formatUnits } from './format.ts';

export function renderOverview(state: DevState): void {
  renderRows(typedById('functions', HTMLTableElement), functionRows(state));
  renderRows(typedById('connections', HTMLTableElement), connectionRows(state));
  renderRows(typedById('tables', HTMLTableElement), tableRows(state));
  renderRows(typedById('sources', HTMLTableElement), sourceRows(state));
  byId('connections-note').textContent = connectionsNote(state);
}

function functionRows({ functions, metrics }: DevState): Row[] {
  return functions.map(({ name, memoryMb, environments }) => {
    const usage = metrics.lambda[name];
    const requests = metrics.dynamodb.byFunction[name];
    const invocations = usage?.invocations ?? 0;
    const { busy, idle } = environments;
    return {
      key: name,
      cells: [
        { text: name, title: `${memoryMb} MB` },
        count(invocations),
        {
          text: invocations === 0 ? '–' : formatUnits(usage!.durationMs / invocations),
          className: zero(invocations),
        },
        count(usage?.coldStarts ?? 0),
        alarm((usage?.errors ?? 0) + (usage?.timeouts ?? 0)),
        alarm(usage?.throttles ?? 0),
        { text: busy + idle === 0 ? 'none' : `${busy} busy, ${idle} idle`, className: zero(busy + idle) },
        count(requests?.requests ?? 0),
        units(requests?.readUnits ?? 0),
        units(requests?.writeUnits ?? 0),
      ],
    };
  });
}

function connectionRows({ connections, now }: DevState): Row[] {
  return connections.map(({ connectionId, userId, deviceId, platform, connectedAt, lastActiveAt }) => ({
    key: connectionId,
    cells: [
      userId ?? 'unknown',
      deviceId ?? '–',
      platform ?? '–',
      { text: formatDuration(now - connectedAt), title: new Date(connectedAt).toLocaleString() },
      `${formatDuration(now - lastActiveAt)} ago`,
      connectionId,
    ],
  }));
}

function connectionsNote({ connections, metrics }: DevState): string {
  const open = metrics.gateway.connections;
  const { gone } = metrics.gateway;
  return [
    connections.length < open ? `the newest ${connections.length} of ${formatCount(open)}` : `${open} open`,
    ...(gone > 0 ? [`${formatCount(gone)} posts found none`] : []),
  ].join(', ');
}

function tableRows({ tables, metrics }: DevState): Row[] {
  return tables.map(({ name, items }) => {
    const usage = metrics.dynamodb.byTable[name];
    return {
      key: name,
      cells: [
        name,
        count(items),
        count(usage?.requests ?? 0),
        units(usage?.readUnits ?? 0),
        units(usage?.writeUnits ?? 0),
      ],
    };
  });
}

function sourceRows({ eventSources, metrics }: DevState): Row[] {
  return eventSources.map(({ id, tableName, functionName, inFlight, waiting }) => {
    const usage = metrics.eventSources[id];
    return {
      key: id,
      cells: [
        { text: `${tableName} → ${functionName}`, title: id },
        count((usage?.polled ?? 0) - (usage?.filteredOut ?? 0)),
        count(inFlight),
        count(usage?.failedInvoke ?? 0),
        alarm(waiting),
      ],
    };
  });
}

function count(value: number): Cell {
  return { text: formatCount(value), className: zero(value), counts: true };
}

function units(value: number): Cell {
  return { text: formatUnits(value), className: zero(value), counts: true };
}

function alarm(value: number): Cell {
  return { text: formatCount(value), className: value > 0 ? 'alarm-text' : 'zero', counts: true };
}

function zero(value: number): string {
  return value === 0 ? 'zero' : '';
}
