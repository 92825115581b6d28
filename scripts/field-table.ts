// Fields of JSON Schema as Markdown, for docs/protocol.md and docs/asyncapi.md.

export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

/** What a schema is called that is described elsewhere. */
export type NameOf = (schema: JsonSchema) => string | undefined;

/** `send` is one variant per message type: for readers it is one request with a type and its body. */
export function mergeVariants(schema: JsonSchema): JsonSchema {
  const [first] = schema.oneOf ?? [];
  const types = bodiesByType(schema).map(([type]) => type);
  if (!first || types.length === 0) return schema;
  const { type: { const: _, ...type } = {}, body: { description } = {} } = first.properties ?? {};
  const body = { type: 'object', ...(description !== undefined && { description }) };
  return { ...first, properties: { ...first.properties, type: { ...type, enum: types }, body } };
}

/** Of what is one variant per message type; of anything else, none. */
export function bodiesByType({ oneOf = [] }: JsonSchema): readonly [string, JsonSchema][] {
  return oneOf.flatMap(({ properties = {} }): [string, JsonSchema][] => {
    const { type, body } = properties;
    return typeof type?.const === 'string' && body !== undefined ? [[type.const, body]] : [];
  });
}

export interface TableOptions {
  /** Fields that are left out. */
  readonly hidden?: readonly string[];
  /** With a column for what each field means, and rows for the fields of fields. */
  readonly meanings?: boolean;
}

type Field = readonly [name: string, schema: JsonSchema, required: boolean];

/** Escaped as text: descriptions name `<userId>`, and GitHub would take that for HTML. */
const escaped = (text: string) => text.replaceAll(/[<|]/g, '\\$&');

/** @param nameOf for what is described elsewhere, and only named here */
export function fieldWriter(nameOf: NameOf) {
  function fieldTable(schema: JsonSchema, { hidden = [], meanings = false }: TableOptions = {}): string {
    const fields = meanings ? visible(schema, hidden).flatMap(withInner) : visible(schema, hidden);
    const rows = fields.map(([name, field, required]) => {
      const cells = [`\`${name}\``, typeOf(field, !meanings), required ? 'yes' : optional(field)];
      return `| ${[...cells, ...(meanings ? [escaped(field.description ?? '')] : [])].join(' | ')} |`;
    });
    const titles = ['field', 'type', 'needed', ...(meanings ? ['what it means'] : [])];
    const head = [`| ${titles.join(' | ')} |`, `|${'---|'.repeat(titles.length)}`];
    return rows.length === 0 ? '' : [...head, ...rows].join('\n');
  }

  /** A field, and those of the object that it is or holds; `a[].b`: of each one in `a`. */
  function withInner(field: Field): readonly Field[] {
    const [name, schema] = field;
    const inner = schema.items ?? schema;
    if (nameOf(inner) !== undefined) return [field];
    const path = schema.items ? `${name}[]` : name;
    return [
      field,
      ...visible(inner)
        .map(([of, ...rest]): Field => [`${path}.${of}`, ...rest])
        .flatMap(withInner),
    ];
  }

  function fieldList(schema: JsonSchema, hidden: readonly string[] = []): string {
    return visible(schema, hidden)
      .map(([name, field, required]) => `\`${name}${required ? '' : '?'}\` ${typeOf(field)}`)
      .join(', ');
  }

  /** @param listed objects are told by their fields */
  function typeOf(schema: JsonSchema, listed = true): string {
    const name = nameOf(schema);
    if (name !== undefined) return name;
    const variants = schema.anyOf ?? schema.oneOf ?? schema.allOf;
    if (variants) return variants.map((variant) => typeOf(variant, listed)).join(' or ');
    if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
    if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(' · ');
    if (schema.items) return `${arrayOf(schema)} of ${typeOf(schema.items, listed)}`;
    if (listed && visible(schema).length > 0) return `{ ${fieldList(schema)} }`;
    return [schema.type ?? 'anything', bounds(schema)].filter(Boolean).join(' ');
  }

  const bodyTable = (bodies: readonly (readonly [string, JsonSchema])[]) =>
    [
      '| type | body |\n|---|---|',
      ...bodies.map(([type, body]) => `| \`${type}\` | ${fieldList(body) || 'any object'} |`),
    ].join('\n');

  return { fieldTable, fieldList, typeOf, bodyTable };
}

function visible({ properties = {}, required = [] }: JsonSchema, hidden: readonly string[] = []): Field[] {
  return Object.entries(properties)
    .filter(([name]) => !hidden.includes(name))
    .map(([name, schema]) => [name, schema, required.includes(name)]);
}

const optional = ({ default: value }: JsonSchema) =>
  value === undefined ? 'no' : `no, default \`${JSON.stringify(value)}\``;

function arrayOf({ minItems, maxItems }: JsonSchema): string {
  const range = rangeOf(minItems, maxItems);
  return range === '' ? 'array' : `array (${range})`;
}

function bounds({ minimum, maximum, minLength, maxLength, pattern, description }: JsonSchema): string {
  // A check counts them; the length is at most that.
  const unit = description?.includes(`at most ${maxLength} bytes`) ? ' bytes' : ' characters';
  const ranges = [rangeOf(minimum, maximum), rangeOf(minLength, maxLength, unit)];
  return [...ranges, pattern && `\`${pattern.replaceAll('|', '\\|')}\``].filter(Boolean).join(', ');
}

function rangeOf(low: number | undefined, high: number | undefined, unit = ''): string {
  if (low === undefined && high === undefined) return '';
  if (high === undefined) return `at least ${low}${unit}`;
  return `${low === undefined ? 'at most ' : `${low}–`}${high}${unit}`;
}
