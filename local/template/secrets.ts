// Secrets, and how the values are made that nobody gives.
import type { PasswordModel, SecretModel, SecretSource, SecretTemplate } from '../model.ts';
import { shortName, type Resource } from './resources.ts';

interface SecretProperties {
  GenerateSecretString?: GenerateSecretString;
  SecretString?: string;
}

/** docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-secretsmanager-secret-generatesecretstring.html */
interface GenerateSecretString {
  ExcludeCharacters?: string;
  ExcludeLowercase?: boolean;
  ExcludeNumbers?: boolean;
  ExcludePunctuation?: boolean;
  ExcludeUppercase?: boolean;
  GenerateStringKey?: string;
  IncludeSpace?: boolean;
  PasswordLength?: number;
  RequireEachIncludedType?: boolean;
  SecretStringTemplate?: string;
}

const knownSettings: ReadonlySet<string> = new Set([
  'ExcludeCharacters',
  'ExcludeLowercase',
  'ExcludeNumbers',
  'ExcludePunctuation',
  'ExcludeUppercase',
  'GenerateStringKey',
  'IncludeSpace',
  'PasswordLength',
  'RequireEachIncludedType',
  'SecretStringTemplate',
] satisfies (keyof GenerateSecretString)[]);

const lowercase = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const punctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';
const maximumPasswordLength = 4096;

export function modelSecrets(resources: readonly Resource[]): SecretModel[] {
  return resources
    .filter(({ type }) => type === 'AWS::SecretsManager::Secret')
    .map((resource) => {
      const { constructPath, ref, properties } = resource;
      return {
        name: shortName(constructPath),
        // The ARN ends with the name, a hyphen and six characters.
        secretName: ref.split(':').at(-1)!.slice(0, -7),
        arn: ref,
        source: sourceOf(properties, constructPath),
      };
    });
}

function sourceOf({ GenerateSecretString, SecretString }: SecretProperties, path: string): SecretSource {
  if (GenerateSecretString && SecretString === undefined) return generated(GenerateSecretString, path);
  if (SecretString !== undefined && !GenerateSecretString) return { kind: 'given', value: SecretString };
  throw new Error(`A secret has either a SecretString or a GenerateSecretString (${path})`);
}

function generated(settings: GenerateSecretString, path: string): SecretSource {
  const unknown = Object.keys(settings).find((key) => !knownSettings.has(key));
  if (unknown) throw new Error(`The local cloud does not know ${unknown} in GenerateSecretString (${path})`);
  const placedIn = templateOf(settings, path);
  return { kind: 'generated', password: passwordOf(settings, path), ...(placedIn && { placedIn }) };
}

function passwordOf(settings: GenerateSecretString, path: string): PasswordModel {
  const { PasswordLength: length = 32, ExcludeCharacters: excluded = '' } = settings;
  const alphabets = [
    settings.ExcludeLowercase ? '' : lowercase,
    settings.ExcludeUppercase ? '' : lowercase.toUpperCase(),
    settings.ExcludeNumbers ? '' : digits,
    settings.ExcludePunctuation ? '' : punctuation,
    settings.IncludeSpace ? ' ' : '',
  ]
    .map((alphabet) =>
      alphabet
        .split('')
        .filter((character) => !excluded.includes(character))
        .join(''),
    )
    .filter((alphabet) => alphabet !== '');
  const requireEachAlphabet = settings.RequireEachIncludedType ?? true;
  const shortest = requireEachAlphabet ? alphabets.length : 1;
  if (alphabets.length === 0) throw new Error(`GenerateSecretString leaves no character (${path})`);
  if (!Number.isInteger(length) || length < shortest || length > maximumPasswordLength) {
    throw new Error(`PasswordLength must be from ${shortest} to ${maximumPasswordLength} (${path})`);
  }
  return { length, alphabets, requireEachAlphabet };
}

function templateOf(settings: GenerateSecretString, path: string): SecretTemplate | undefined {
  const { GenerateStringKey: key, SecretStringTemplate: template } = settings;
  if (key === undefined && template === undefined) return undefined;
  if (key === undefined || template === undefined) {
    throw new Error(`GenerateStringKey and SecretStringTemplate go together (${path})`);
  }
  return { content: parseTemplate(template, path), key };
}

function parseTemplate(template: string, path: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(template);
  } catch (cause) {
    throw new Error(`SecretStringTemplate is no JSON (${path})`, { cause });
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw new Error(`SecretStringTemplate is no JSON object (${path})`);
}
