// Which route of an HTTP API a request takes: the most specific one that fits.
// docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
import type { HttpRouteModel } from '../model.ts';

export interface Taken {
  readonly route: HttpRouteModel;
  readonly pathParameters: Readonly<Record<string, string>>;
}

const DEFAULT_ROUTE = '$default';

export function findRoute(
  routes: readonly HttpRouteModel[],
  method: string,
  path: string,
): Taken | undefined {
  const fitting = routes.flatMap((route): Taken[] => {
    const [wanted, pattern = ''] = route.routeKey.split(' ');
    const pathParameters = wanted === method || wanted === 'ANY' ? matchPath(pattern, path) : undefined;
    return pathParameters ? [{ route, pathParameters }] : [];
  });
  const variables = ({ pathParameters }: Taken) => Object.keys(pathParameters).length;
  const [best] = fitting.toSorted((left, right) => variables(left) - variables(right));
  if (best) return best;
  const fallback = routes.find(({ routeKey }) => routeKey === DEFAULT_ROUTE);
  return fallback && { route: fallback, pathParameters: {} };
}

/** What stands in the places of `{names}`. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const [parts, given] = [pattern.split('/'), path.split('/')];
  if (parts.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const value = given[index]!;
    const parameter = /^\{(\w+)\}$/.exec(part)?.[1];
    if (parameter === undefined ? part !== value : value === '') return undefined;
    if (parameter !== undefined) parameters[parameter] = decode(value);
  }
  return parameters;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
