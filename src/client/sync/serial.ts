// Runs tasks one after the other, in the order they came. One that fails fails for its caller alone.

export type RunInTurn = <T>(task: () => Promise<T>) => Promise<T>;

export function takeTurns(): RunInTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}
