// The parameters of a template: given, or by default, and checked as CloudFormation checks them.

export interface ParameterDeclaration {
  readonly Type: string;
  readonly Default?: string;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly string[];
  readonly Description?: string;
}

/** Parameters of an SSM type keep their default, the name of the SSM parameter: there is no SSM to ask. */
export function resolveParameters(
  declared: Readonly<Record<string, ParameterDeclaration>>,
  given: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(declared, name));
  if (unknown) throw new Error(`The template has no parameter ${unknown}`);
  return new Map(
    Object.entries(declared).map(([name, declaration]) => [
      name,
      resolveParameter(name, declaration, given[name]),
    ]),
  );
}

function resolveParameter(
  name: string,
  declaration: ParameterDeclaration,
  given: string | undefined,
): string {
  const { Default, AllowedPattern, AllowedValues, Description } = declaration;
  const value = given ?? Default;
  if (value === undefined) {
    throw new Error(`Parameter ${name} has no value and no default${Description ? ` (${Description})` : ''}`);
  }
  if (AllowedPattern && !new RegExp(`^(?:${AllowedPattern})$`, 's').test(value)) {
    throw new Error(`Parameter ${name} failed to satisfy constraint: must match pattern ${AllowedPattern}`);
  }
  if (AllowedValues && !AllowedValues.includes(value)) {
    throw new Error(`Parameter ${name} must be one of ${AllowedValues.join(', ')}`);
  }
  return value;
}
