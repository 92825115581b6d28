// Parts of what goes to a large group, and what is told to its members from time to time.
import { taskQueue } from '../src/runtime/tasks.ts';

export const handler = taskQueue();
