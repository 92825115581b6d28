// `beforeSend`: an operator's own endpoint may refuse what users send and edit, or change it, before anything is stored.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { bodyFault, isObject, type Body } from '../protocol/body.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { bodyIssue } from '../protocol/issues.ts';
import { hookLimits, limits } from '../protocol/limits.ts';
import type { Message } from '../protocol/messages.ts';
import type { Caller, Context } from './context.ts';

/** What is to be stored. Nobody who has none configured loads any of this. */
export type BeforeSend = (
  ctx: Context,
  caller: Caller,
  conversationId: string,
  said: Said,
) => Promise<{ readonly body: Body } | Refusal>;

export interface Hook {
  /** What it answers, as JSON. @throws Error when it does not within its time. */
  readonly ask: (question: object) => Promise<unknown>;
  /** When it does not answer, or nothing of use: messages pass, or are refused for now. */
  readonly failure: 'open' | 'closed';
}

type Said = Pick<ClientFrame<'send'>, 'clientMsgId' | 'replyTo' | 'mentions'> & {
  readonly type: Message['type'];
  readonly body: Body;
  readonly silent: boolean;
  readonly ephemeral?: boolean | undefined;
  /** Of the message that is edited. */
  readonly seq?: number;
};

export const beforeSendBy =
  ({ ask, failure }: Hook): BeforeSend =>
  async (ctx, { userId: from, deviceId, platform }, conversationId, said) => {
    const { clientMsgId, type, body, silent, replyTo, mentions, ephemeral, seq } = said;
    const question = { from, deviceId, platform, conversationId, clientMsgId, type, body, silent };
    try {
      const answer = await ask({ ...question, replyTo, mentions, ephemeral, seq });
      return readAnswer(answer, type) ?? { body };
    } catch (error) {
      ctx.log.warn('beforeSend failed', { conversationId, error: String(error) });
      return failure === 'open' ? { body } : refuse('unavailable', 'beforeSend: no answer, try again');
    }
  };

/** Nothing: the message is as it was. @throws Error when it is no answer. */
function readAnswer(answer: unknown, type: string): { readonly body: Body } | Refusal | undefined {
  if (!isObject(answer)) throw new Error('the answer is no object');
  const { allow, message, body } = answer;
  if (allow === false) {
    const why = typeof message === 'string' ? message.slice(0, hookLimits.message) : '';
    return refuse('forbidden', why || 'the message was refused');
  }
  if (allow !== true) throw new Error('allow: is neither true nor false');
  if (body === undefined) return undefined;
  const fault = isObject(body) ? (bodyFault(body) ?? bodyIssue(type, body)) : 'must be an object';
  if (fault) throw new Error(`body: ${fault}`);
  if (Buffer.byteLength(JSON.stringify(body)) > limits.bodyBytes) throw new Error('body: is too large');
  return { body: body as Body };
}
