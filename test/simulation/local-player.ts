// Plays over the real local cloud. Other settings need a fresh one, which also keeps its tables small.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCloud, type Cloud } from '../../local/cloud.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { buildFunctions } from '../../scripts/build.ts';
import type { ClientParts } from './device.ts';
import { loadClient } from './load-client.ts';
import { localStage, settleMsOf, simulationEnvironment } from './local-stage.ts';
import { findMutation, mutateTemplate } from './mutations.ts';
import { isOver, type Played, type Player, type Task } from './player.ts';
import { failureOf } from './report.ts';
import { simulate } from './simulation.ts';
import { sizeOf } from './size.ts';

interface Build {
  readonly mutation: string | undefined;
  readonly parts: ClientParts;
  readonly templatePath: string;
}

interface Running {
  readonly build: Build;
  readonly settleMs: number;
  readonly cloud: Cloud;
}

export async function startLocalPlayer(db: string): Promise<Player> {
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  await buildFunctions();
  return new LocalPlayer(db, outDirectory, await synthesize({ outDirectory }));
}

class LocalPlayer implements Player {
  private readonly db: string;
  private readonly outDirectory: string;
  private readonly templatePath: string;
  private build: Build | undefined;
  private running: Running | undefined;

  constructor(db: string, outDirectory: string, templatePath: string) {
    this.db = db;
    this.outDirectory = outDirectory;
    this.templatePath = templatePath;
  }

  async play(task: Task): Promise<Played> {
    const build = await this.buildOf(task.mutation);
    let seeds = 0;
    for (let seed = task.from; seed <= task.to && !isOver(task); seed++) {
      const stage = localStage(await this.cloudOf(build, settleMsOf(seed)), seed);
      const outcome = await simulate({ stage, parts: build.parts, seed, size: sizeOf(task, seed) });
      seeds++;
      if (outcome.violations.length > 0) return { seeds, failure: failureOf(outcome) };
    }
    return { seeds };
  }

  async end(): Promise<void> {
    await this.running?.cloud.close();
    await rm(this.outDirectory, { recursive: true, force: true });
  }

  private async buildOf(name: string | undefined): Promise<Build> {
    if (this.build && this.build.mutation === name) return this.build;
    const mutation = findMutation(name);
    const parts = await loadClient(mutation?.side === 'client' ? mutation : undefined);
    const { templatePath } = this;
    this.build = {
      mutation: name,
      parts,
      templatePath: mutation?.side === 'server' ? await mutateTemplate(templatePath, mutation) : templatePath,
    };
    return this.build;
  }

  private async cloudOf(build: Build, settleMs: number): Promise<Cloud> {
    if (this.running?.build === build && this.running.settleMs === settleMs) return this.running.cloud;
    await this.running?.cloud.close();
    this.running = undefined;
    const cloud = await startCloud({
      templatePath: build.templatePath,
      port: 0,
      db: this.db,
      log: 'quiet',
      environment: simulationEnvironment(settleMs),
    });
    this.running = { build, settleMs, cloud };
    return cloud;
  }
}
