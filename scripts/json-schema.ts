// The schemas of the wire as JSON Schema, as docs/openapi.json, docs/asyncapi.json and docs/protocol.md give them.
import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { ILL_FORMED } from '../src/protocol/body.ts';
import { bodySchemas, type SendableType } from '../src/protocol/messages.ts';

export type Json = { readonly [name: string]: unknown };
type Draft = 'draft-07' | 'draft-2020-12';

/** As it is given: what a check says of itself, where JSON Schema has no word for it, is the description. */
export function jsonSchema(schema: unknown, target: Draft = 'draft-2020-12'): Json {
  const converted = toJsonSchema(schema as GenericSchema, {
    target,
    typeMode: 'input',
    errorMode: 'ignore',
    overrideAction: ({ valibotAction, jsonSchema: before }) => {
      const { type, message } = valibotAction as unknown as { type: string; message?: unknown };
      if (type !== 'check' || typeof message !== 'string' || message === ILL_FORMED) return undefined;
      const [, min, max] = /^must have (\d+) to (\d+) characters$/.exec(message) ?? [];
      // Both count code points.
      if (max) return { ...before, minLength: Number(min), maxLength: Number(max) };
      return { ...before, description: [before.description, message].filter(Boolean).join('; ') };
    },
  }) as Json;
  const { $schema: _, ...rest } = converted;
  return rest;
}

/** A message's body is described by its type. */
export function withBodies(schema: unknown, target: Draft = 'draft-2020-12'): unknown {
  if (Array.isArray(schema)) return schema.map((part) => withBodies(part, target));
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([name, value]) => [name, withBodies(value, target)] as const);
  const copy = Object.fromEntries(entries) as { properties?: Record<string, Json> };
  const type = copy.properties?.['type']?.['const'];
  if (typeof type === 'string' && copy.properties?.['body'] && type in bodySchemas) {
    copy.properties['body'] = jsonSchema(bodySchemas[type as SendableType], target);
  }
  return copy;
}
