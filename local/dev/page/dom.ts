// The little of a framework that this page needs: elements, and tables that change only where the data did.

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children);
  return created;
}

/** The page and its script belong together: what is missing is a mistake, not a case. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found;
}

export function typedById<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = byId(id);
  if (!(found instanceof type)) throw new Error(`#${id} is no ${type.name}`);
  return found;
}

export interface Cell {
  readonly text: string;
  readonly className?: string;
  readonly title?: string;
  /** Changes are shown. */
  readonly counts?: boolean;
}

export function badge(text: string, colour: 'good' | 'plain' | 'warn' | 'blue' | 'violet' | 'bad'): Cell {
  return { text, className: `badge badge-${colour}` };
}

export interface Row {
  readonly key: string;
  readonly cells: readonly (Cell | string)[];
}

/** Rows keep their elements by key, so that a selection or a scroll position outlives an update. */
export function renderRows(table: HTMLTableElement, rows: readonly Row[]): void {
  const body = table.tBodies[0]!;
  const columns = [...table.tHead!.rows[0]!.cells];
  if (rows.length === 0) return renderEmpty(body, columns.length);

  const old = new Map([...body.rows].map((row) => [row.dataset['key'], row]));
  let place: Element | null = body.firstElementChild;
  for (const { key, cells } of rows) {
    const row = old.get(key) ?? createRow(key, columns);
    old.delete(key);
    cells.forEach((cell, index) => renderCell(row.cells[index]!, columns[index]!, cell));
    if (row === place) place = row.nextElementSibling;
    else body.insertBefore(row, place);
  }
  for (const row of old.values()) row.remove();
}

function createRow(key: string, columns: readonly HTMLElement[]): HTMLTableRowElement {
  const row = element('tr');
  row.dataset['key'] = key;
  const [, ...others] = columns;
  row.append(element('th', { scope: 'row' }), ...others.map(createCell));
  return row;
}

/** On a narrow screen the heads are not in sight: each cell has its own. */
function createCell(column: HTMLElement): HTMLTableCellElement {
  const cell = element('td');
  cell.dataset['label'] = column.textContent.trim();
  return cell;
}

function renderCell(target: HTMLElement, column: HTMLElement, cell: Cell | string): void {
  const {
    text,
    className = '',
    title = '',
    counts = false,
  } = typeof cell === 'string' ? { text: cell } : cell;
  if (target.title !== title) target.title = title;
  const isBadge = className.startsWith('badge');
  const content = isBadge ? badgeIn(target) : target;
  const classes = [column.className, isBadge ? '' : className].filter(Boolean).join(' ');
  if (content.textContent === text) return;
  const isFirst = content.textContent === '';
  content.textContent = text;
  if (isBadge) content.className = className;
  target.className = classes;
  if (counts && !isFirst) flash(target);
}

function badgeIn(target: HTMLElement): HTMLElement {
  if (target.firstElementChild) return target.firstElementChild as HTMLElement;
  const badge = element('span');
  target.replaceChildren(badge);
  return badge;
}

/** A class that is taken off and put on again at once would not animate again. */
function flash(target: HTMLElement): void {
  target.classList.remove('changed');
  requestAnimationFrame(() => target.classList.add('changed'));
}

function renderEmpty(body: HTMLTableSectionElement, columnCount: number): void {
  if (body.querySelector('.empty')) return;
  const text = body.dataset['empty'] ?? '';
  body.replaceChildren(element('tr', {}, element('td', { className: 'empty', colSpan: columnCount }, text)));
}
