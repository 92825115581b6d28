// Sends what is broadcast, lane by lane.
import { laneQueue } from '../src/runtime/lanes.ts';

export const handler = laneQueue();
