// From what an app passes to `send` to what the outbox keeps; refuses at once what the server would refuse for ever.
import { bodyFault, isObject, type Body } from '../../protocol/body.ts';
import { clientLimits } from '../../protocol/client-limits.ts';
import type { SendableType } from '../../protocol/messages.ts';
import { referencesOf, type References } from '../../protocol/slots.ts';
import { ImError } from '../errors.ts';
import { isId, parseTarget } from '../../protocol/ids.ts';
import type { Draft } from './outbox.ts';
import type { Content, SendOptions } from './outgoing.ts';

export interface Composed {
  readonly type: SendableType;
  readonly body: Readonly<Record<string, unknown>>;
}

/** @throws ImError `bad_request` or `too_large` */
export function compose(content: Content): Composed {
  const { type, body } =
    typeof content === 'string' ? { type: 'text' as const, body: { text: content } } : content;
  const json = toJson(body);
  const sizeBytes = new TextEncoder().encode(json).length;
  if (sizeBytes > clientLimits.bodyBytes) {
    throw new ImError('too_large', `body: ${sizeBytes} bytes as JSON, at most ${clientLimits.bodyBytes}`);
  }
  // A copy: what is sent again must be what was sent, whatever the app does with its object.
  const copy: unknown = JSON.parse(json);
  const fault = isObject(copy) ? bodyFault(copy) : 'must be an object';
  if (fault) throw new ImError('bad_request', `body: ${fault}`);
  return { type, body: copy as Body };
}

function toJson(body: unknown): string {
  try {
    // No text at all for `undefined`, which is refused as what is no object.
    return JSON.stringify(body) ?? 'null';
  } catch (cause) {
    // BigInt, circles, nesting without end.
    throw new ImError('bad_request', `body: ${String(cause)}`);
  }
}

/** The conversation that `to` names. @throws ImError `bad_request` */
export function resolveTarget(to: unknown, userId: string): string {
  const target = parseTarget(String(to), userId);
  if (target) return target.conversationId;
  throw new ImError('bad_request', `to: "${String(to)}" is neither user:<userId> nor a conversation id`);
}

/** @throws ImError `bad_request` or `too_large` */
export function toDraft(
  to: string,
  content: Content,
  options: SendOptions & { readonly userId: string; readonly newId: () => string },
): Draft {
  const { userId, newId, silent = false, clientMsgId = newId() } = options;
  if (!isClientMsgId(clientMsgId)) {
    throw new ImError('bad_request', 'clientMsgId: must have 8 to 40 url-safe characters');
  }
  const conversationId = resolveTarget(to, userId);
  return { to, conversationId, clientMsgId, silent, ...readReferences(options), ...compose(content) };
}

/** A copy, as with the body. */
function readReferences({ replyTo, mentions }: SendOptions): References {
  if (replyTo !== undefined && !(Number.isSafeInteger(replyTo) && replyTo >= 1)) {
    throw new ImError('bad_request', 'replyTo: must be the seq of a message');
  }
  if (mentions === undefined || mentions === 'all') return referencesOf({ replyTo, mentions });
  if (
    !Array.isArray(mentions) ||
    mentions.length > clientLimits.mentions ||
    !mentions.every((one) => typeof one === 'string' && isId(one))
  ) {
    throw new ImError('bad_request', `mentions: must be "all" or at most ${clientLimits.mentions} userIds`);
  }
  return referencesOf({ replyTo, mentions: [...mentions] });
}

function isClientMsgId(value: unknown): boolean {
  const { min, max } = clientLimits.clientMsgId;
  if (typeof value !== 'string' || value.length < min || value.length > max) return false;
  return /^[\w-]+$/.test(value);
}
