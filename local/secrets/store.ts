// The secrets of the template with their values: what was made up is kept with the data, if there is a place for it.
import { randomInt, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readJson, writeJson } from '../json-files.ts';
import type { CloudModel, SecretModel } from '../model.ts';
import { makeSecret } from './generate.ts';

export interface Secret {
  readonly model: SecretModel;
  readonly value: string;
  readonly versionId: string;
  /** ms since the epoch. */
  readonly createdAt: number;
}

export interface SecretStoreOptions {
  readonly model: Pick<CloudModel, 'secrets'>;
  readonly dataDirectory?: string | undefined;
  readonly clock?: () => number;
}

type KeptSecret = Omit<Secret, 'model'>;

export class SecretStore {
  private readonly secrets: readonly Secret[];

  private constructor(secrets: readonly Secret[]) {
    this.secrets = secrets;
  }

  static async open({ model, dataDirectory, clock = Date.now }: SecretStoreOptions): Promise<SecretStore> {
    const file = dataDirectory && path.join(dataDirectory, 'secrets.json');
    const kept = file ? await readJson<Record<string, KeptSecret>>(file, {}) : {};
    const secrets = model.secrets.map((secret) => open(secret, kept[secret.arn], clock));
    if (file && secrets.length > 0) {
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      // Also those that this template does not have: another run may.
      await writeJson(file, { ...kept, ...Object.fromEntries(secrets.map(keptForm)) });
    }
    return new SecretStore(secrets);
  }

  /** By its ARN, whole or without the six characters at its end, or by its name. */
  find(secretId: string): Secret | undefined {
    return this.secrets.find(({ model: { arn, secretName } }) =>
      [arn, arn.slice(0, -7), secretName].includes(secretId),
    );
  }
}

/** A value that the template gives is the template's, whatever was kept. */
function open(model: SecretModel, kept: KeptSecret | undefined, clock: () => number): Secret {
  if (kept && (model.source.kind === 'generated' || model.source.value === kept.value)) {
    return { ...kept, model };
  }
  const value = makeSecret(model.source, (below) => randomInt(below));
  return { model, value, versionId: randomUUID(), createdAt: clock() };
}

function keptForm({ model, ...kept }: Secret): [string, KeptSecret] {
  return [model.arn, kept];
}
