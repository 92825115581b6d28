// A thin bar above the list: whether there is a connection, in words only when it lasts.
import { useEffect, useState } from 'react';
import { useConnection } from '../src/client/react/hooks.ts';
import { words } from './words.ts';

const PATIENCE_MS = 2_000;

export function Banner({ isForgetful }: { isForgetful: boolean }) {
  const { state } = useConnection();
  const isWell = state === 'synced';
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (isWell) return setLong(false);
    const timer = setTimeout(() => setLong(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [isWell]);
  const said =
    state === 'connecting'
      ? words.connecting
      : state === 'syncing' || state === 'connected'
        ? words.catchingUp
        : words.offline;
  return (
    <div className="banner" role="status" data-state={isWell ? 'well' : state}>
      {!isWell && isLong && <p>{said}</p>}
      {isForgetful && <p>{words.noStorage}</p>}
    </div>
  );
}
