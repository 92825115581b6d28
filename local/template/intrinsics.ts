// CloudFormation's intrinsic functions: turns a template's values into plain ones.

/** What references resolve to; the template's resources and parameters stand behind it. */
export interface Scope {
  ref(name: string): unknown;
  attribute(logicalId: string, attribute: string): unknown;
  condition(name: string): unknown;
}

type Resolve = (value: unknown) => unknown;
type Intrinsic = (argument: unknown, resolve: Resolve, scope: Scope) => unknown;

/** `AWS::NoValue`: the property, or list element, is not there. */
export const noValue = Symbol('AWS::NoValue');

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (name, _resolve, scope) => scope.ref(text(name, 'Ref')),
  Condition: (name, resolve, scope) => resolve(scope.condition(text(name, 'Condition'))),
  'Fn::GetAtt': (argument, _resolve, scope) => {
    const [logicalId, ...path] =
      typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt');
    return scope.attribute(text(logicalId, 'Fn::GetAtt'), path.join('.'));
  },
  'Fn::Join': (argument, resolve) => {
    const [separator, parts] = list(argument, 'Fn::Join');
    const resolved = list(resolve(parts), 'Fn::Join').map((part) => text(part, 'Fn::Join'));
    return resolved.join(text(separator, 'Fn::Join'));
  },
  'Fn::Sub': (argument, resolve, scope) => {
    const [template, variables = {}] = typeof argument === 'string' ? [argument] : list(argument, 'Fn::Sub');
    return substitute(text(template, 'Fn::Sub'), resolve(variables) as Record<string, unknown>, scope);
  },
  'Fn::Select': (argument, resolve) => {
    const [index, from] = list(argument, 'Fn::Select').map(resolve);
    const choices = list(from, 'Fn::Select');
    const chosen = choices[Number(index)];
    if (chosen === undefined)
      throw new Error(`Fn::Select: no element ${String(index)} among ${choices.length}`);
    return chosen;
  },
  'Fn::Split': (argument, resolve) => {
    const [separator, whole] = list(argument, 'Fn::Split').map(resolve);
    return text(whole, 'Fn::Split').split(text(separator, 'Fn::Split'));
  },
  'Fn::If': (argument, resolve, scope) => {
    const [name, whenTrue, whenFalse] = list(argument, 'Fn::If');
    return resolve(resolve(scope.condition(text(name, 'Fn::If'))) === true ? whenTrue : whenFalse);
  },
  'Fn::Equals': (argument, resolve) => {
    const [left, right] = list(argument, 'Fn::Equals').map(resolve);
    return JSON.stringify(left) === JSON.stringify(right);
  },
  'Fn::Not': (argument, resolve) => resolve(list(argument, 'Fn::Not')[0]) !== true,
  'Fn::And': (argument, resolve) => list(argument, 'Fn::And').every((part) => resolve(part) === true),
  'Fn::Or': (argument, resolve) => list(argument, 'Fn::Or').some((part) => resolve(part) === true),
};

/** @throws Error for an intrinsic function that is not known here, and for references to nothing. */
export function resolveValue(value: unknown, scope: Scope): unknown {
  const resolve: Resolve = (inner) => resolveValue(inner, scope);
  if (Array.isArray(value)) return value.map(resolve).filter((element) => element !== noValue);
  if (typeof value !== 'object' || value === null) return value;

  const entries = Object.entries(value);
  const [name, argument] = entries[0] ?? [''];
  const isIntrinsic = entries.length === 1 && (Object.hasOwn(intrinsics, name) || name.startsWith('Fn::'));
  if (!isIntrinsic) {
    const resolved = entries.map(([key, inner]) => [key, resolve(inner)] as const);
    return Object.fromEntries(resolved.filter(([, inner]) => inner !== noValue));
  }
  const intrinsic = intrinsics[name];
  if (!intrinsic) throw new Error(`The local cloud does not know the intrinsic function ${name}`);
  return intrinsic(argument, resolve, scope);
}

function substitute(template: string, variables: Record<string, unknown>, scope: Scope): string {
  return template.replaceAll(/\$\{(!?)([^}]+)\}/g, (_match, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    if (Object.hasOwn(variables, name)) return text(variables[name], 'Fn::Sub');
    const [logicalId = '', ...path] = name.split('.');
    const value = path.length > 0 ? scope.attribute(logicalId, path.join('.')) : scope.ref(logicalId);
    return text(value, 'Fn::Sub');
  });
}

function text(value: unknown, intrinsic: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  throw new Error(`${intrinsic} needs a string, not ${JSON.stringify(value)}`);
}

function list(value: unknown, intrinsic: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${intrinsic} needs a list, not ${JSON.stringify(value)}`);
}
