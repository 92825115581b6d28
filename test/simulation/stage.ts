// Where a story is played: over the real local cloud, or in a world of one process. The story knows no difference.
import type { Environment, WebSocketConstructor } from '../../src/client/environment.ts';
import type { PoisonSeen, ReactionLimits } from './history.ts';
import type { Notified } from './sleepers/history.ts';
import type { Random } from '../../local/faults/random.ts';

/** A device's end of a connection. */
export interface StageSocket {
  /** The network is gone, and the device sees it. */
  terminate(): void;
  /** The process is gone: nobody hears anything any more. */
  forsake(): void;
}

/** After so many writes to the store its function dies, or the next write hangs, and is carried out late, and repeated. */
export interface Blow {
  readonly kind: 'death' | 'hang';
  readonly writes: number;
}

export interface Stage {
  readonly url: string;
  issueToken(userId: string): Promise<string>;
  /** Where tokens end soon: how long that one is good yet. */
  untilEnd?(token: string): number;
  /** What a message takes; where that is not as on the wire. */
  readonly reactionLimits?: ReactionLimits;
  /** From now on everything goes wrong that the seed has in store. */
  rage(): void;
  /** From now on nothing does. */
  calm(): void;
  /** What was sent is delivered. */
  settled(): Promise<void>;
  /** Time of the story, in milliseconds. */
  now(): number;
  wait(ms: number): Promise<void>;
  /** Lets so much of the clients' time pass; where time is real, nobody waits for that. */
  elapse?(minutes: number): Promise<void>;
  /** Where one can: a record comes among the messages that no function can read. */
  poison?(conversationId: string): void;
  poisonSeen?(): PoisonSeen;
  /** How long readers wait for a number's message, in the story's time; where one knows. */
  readonly settleMs?: number;
  /** Where one can: befalls the function that carries the next such action out. */
  strike?(action: string, blow: Blow): void;
  /** Where time is not real: so long that what has an end in the tables is over. */
  monthLater?(): Promise<void>;
  /** Where the tables can be had anew: they are, and empty. */
  setUpAnew?(): Promise<void>;
  /** What devices were notified of, where that can be seen. */
  notified?(): readonly Notified[];
  /** What one process on a device has of it: time, chance and ids. */
  environment(random: Random): Pick<Environment, 'now' | 'newId' | 'setTimer'>;
  /** `onSocket` hears of each that is made, and of its end. */
  sockets(onSocket: (socket: StageSocket) => void): WebSocketConstructor;
}
