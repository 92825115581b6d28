// A process that plays in the world whatever it is sent, one task after the other (player.ts is its other end).
import { setFlagsFromString } from 'node:v8';
import type { Task } from '../player.ts';
import { playWorlds } from '../world/player.ts';

// Refused conditions are thrown by the thousand, and nobody reads where from.
Error.stackTraceLimit = 0;
// No function of a world is hot for long: to optimize as early as V8 does costs more than it brings.
setFlagsFromString('--interrupt-budget=1000000');

process.on('message', (task) => {
  void playWorlds(task as Task).then((played) => process.send!(played));
});
// Whoever asked is gone.
process.on('disconnect', () => process.exit());
