// Reads JSON that others wrote: secrets, push tokens, answers of push services.
import * as v from 'valibot';

/** `undefined` when it is none of that shape. What a text holds may be a secret: no parser's error quotes it. */
export function readJson<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): v.InferOutput<Schema> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
