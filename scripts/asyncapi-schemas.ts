// The schemas of docs/asyncapi.json: those with a name stand there once, and each field says what it means.
import type { GenericSchema } from 'valibot';
import { messageSchema, reactionSchema, voidSlotSchema } from '../src/protocol/messages.ts';
import {
  contactSchema,
  conversationSchema,
  errorSchema,
  groupPolicySchema,
  profileSchema,
  settingsSchema,
  syncEventSchema,
  waitingConversationSchema,
} from '../src/protocol/server-frames.ts';
import { fieldMeanings } from './field-meanings.ts';
import { jsonSchema, withBodies, type Json } from './json-schema.ts';

const DRAFT = 'draft-07';

const namedSchemas: Readonly<Record<string, GenericSchema>> = {
  Message: messageSchema,
  Void: voidSlotSchema,
  Reaction: reactionSchema,
  Event: syncEventSchema,
  Conversation: conversationSchema,
  WaitingConversation: waitingConversationSchema,
  Settings: settingsSchema,
  Contact: contactSchema,
  Profile: profileSchema,
  GroupPolicy: groupPolicySchema,
  Error: errorSchema,
};

const nameByText = new Map(
  Object.entries(namedSchemas).map(([name, schema]) => [JSON.stringify(jsonSchema(schema, DRAFT)), name]),
);

/** @param owner the message, by its name */
export const payloadOf = (owner: string, schema: unknown) =>
  described(owner, named(withBodies(jsonSchema(schema, DRAFT), DRAFT))) as Json;

/** What payloads refer to. */
export const schemas = Object.fromEntries(
  Object.entries(namedSchemas).map(([name, schema]) => [
    name,
    described(name, inside(jsonSchema(schema, DRAFT), named)),
  ]),
);

function named(schema: unknown): unknown {
  const name = nameByText.get(JSON.stringify(schema));
  return name === undefined ? inside(schema, named) : { $ref: `#/components/schemas/${name}` };
}

function described(owner: string, schema: unknown): unknown {
  const copy = inside(schema, (part) => described(owner, part));
  if (!isObject(copy) || !isObject(copy['properties'])) return copy;
  const properties = Object.entries(copy['properties']).map(([name, field]) => [
    name,
    meaning(fieldMeanings[`${owner}.${name}`] ?? fieldMeanings[name], field as Json),
  ]);
  return { ...copy, properties: Object.fromEntries(properties) as Json };
}

function meaning(text: string | undefined, field: Json): Json {
  const description = [text, field['description']].filter(Boolean).join('; ');
  if (description === '') return field;
  // Beside a reference, nothing counts.
  return '$ref' in field ? { description, allOf: [field] } : { ...field, description };
}

function inside(value: unknown, change: (part: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, change(part)]));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
