// Which route a message takes: the route selection expression over its body, else `$default`.
import type { ApiModel, RouteModel } from '../model.ts';

/** Undefined: no route, not even `$default`. */
export function selectRoute(api: ApiModel, body: string): RouteModel | undefined {
  const key = evaluate(api.routeSelectionExpression, body);
  const route = (routeKey: string) => api.routes.find((candidate) => candidate.routeKey === routeKey);
  // What begins with `$` is chosen by the gateway, never by a client.
  const named = key === undefined || key.startsWith('$') ? undefined : route(key);
  return named ?? route('$default');
}

/** `$request.body.a.b`: undefined where the body is no JSON object, or has no such key. */
function evaluate(expression: string, body: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  for (const key of expression.replace('$request.body.', '').split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
