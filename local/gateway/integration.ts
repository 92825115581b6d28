// What API Gateway makes of a proxy function's answer, and of none.
import type { GatewayLimits } from './limits.ts';
import type { InvocationResult, Invoke, RouteModel } from '../model.ts';

export type IntegrationAnswer =
  | {
      readonly kind: 'answered';
      readonly statusCode: number;
      readonly headers: Readonly<Record<string, unknown>>;
      readonly body: string;
    }
  /** The function threw, or answered with what is no proxy result. */
  | { readonly kind: 'malfunction' }
  /** There is no permission to invoke it. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'timedOut' };

/** The function is not stopped by a timeout: it goes on, and nobody hears its answer. */
export async function callIntegration(
  route: RouteModel,
  event: object,
  invoke: Invoke,
  limits: GatewayLimits,
): Promise<IntegrationAnswer> {
  if (!route.mayInvoke) return { kind: 'forbidden' };
  const timeoutMs = Math.min(route.integrationTimeoutMs ?? Infinity, limits.integrationTimeoutMs);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<IntegrationAnswer>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'timedOut' }), timeoutMs);
  });
  try {
    return await Promise.race([invoke(route.functionName, event).then(readAnswer), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function readAnswer(result: InvocationResult): IntegrationAnswer {
  if (result.outcome !== 'returned') return { kind: 'malfunction' };
  const { statusCode, headers, body } = (result.payload ?? {}) as Record<string, unknown>;
  const status = typeof statusCode === 'string' && statusCode !== '' ? Number(statusCode) : statusCode;
  if (!Number.isInteger(status) || (status as number) < 100 || (status as number) > 599)
    return { kind: 'malfunction' };
  if (body !== undefined && body !== null && typeof body !== 'string') return { kind: 'malfunction' };
  return {
    kind: 'answered',
    statusCode: status as number,
    headers: (headers ?? {}) as Record<string, unknown>,
    body: body ?? '',
  };
}
