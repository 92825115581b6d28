// Who plays seeds: a process of its own in the world (processes/), or this one over the local cloud (local-player.ts).

export interface Task {
  /** Seeds from … to …, until one fails. */
  readonly from: number;
  readonly to: number;
  /** Of a build without that guard. */
  readonly mutation?: string;
  /** Messages per device, where it is not left to the seed. */
  readonly sends?: number;
  /** Each a whole story, where that is not left to the seed (size.ts). */
  readonly whole?: boolean;
  /** Kinds of faults (world/kinds.ts), where it is not the whole storm of the seed. */
  readonly only?: readonly string[];
  /** No seed is begun later; milliseconds since the epoch. */
  readonly endsAt?: number;
}

export interface Failure {
  readonly seed: number;
  readonly report: string;
  /** Messages that the server answered; absent when the run itself did not get through. */
  readonly answered?: number;
  /** Those that are violated; absent as well then. */
  readonly invariants?: readonly string[];
}

export interface Played {
  /** How many were played to their end, one that failed included. */
  readonly seeds: number;
  readonly failure?: Failure;
}

export interface Player {
  /** Rejects when nobody is there to play any more. */
  play(task: Task): Promise<Played>;
  end(): Promise<void>;
}

export const isOver = ({ endsAt }: Pick<Task, 'endsAt'>): boolean =>
  endsAt !== undefined && Date.now() >= endsAt;
