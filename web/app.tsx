// From who uses the page to their open client: sign in, open, chat.
import { useCallback, useEffect, useState } from 'react';
import { ImProvider, useConnection } from '../src/client/react/hooks.ts';
import { Chat } from './chat.tsx';
import { Kicked } from './kicked.tsx';
import {
  openClient,
  readConfig,
  rememberedSignIn,
  rememberSignIn,
  type Config,
  type OpenClient,
  type SignIn,
} from './session.ts';
import { SignInForm } from './sign-in.tsx';
import { words } from './words.ts';

type Phase =
  | { readonly name: 'loading' }
  | { readonly name: 'signed-out' }
  | { readonly name: 'opening'; readonly signIn: SignIn }
  | { readonly name: 'open'; readonly open: OpenClient; readonly signIn: SignIn }
  | { readonly name: 'failed'; readonly reason: string };

export function App() {
  const [config, setConfig] = useState<Config>();
  const [phase, setPhase] = useState<Phase>({ name: 'loading' });

  const start = useCallback(async () => {
    setPhase({ name: 'loading' });
    try {
      setConfig(await readConfig());
      const signIn = rememberedSignIn();
      setPhase(signIn ? { name: 'opening', signIn } : { name: 'signed-out' });
    } catch (error) {
      setPhase({ name: 'failed', reason: String(error) });
    }
  }, []);
  useEffect(() => void start(), [start]);

  const signIn = phase.name === 'opening' ? phase.signIn : undefined;
  useEffect(() => {
    if (!config || !signIn) return;
    let isWanted = true;
    const open = async () => {
      try {
        const opened = await openClient(config, signIn);
        if (!isWanted) return await opened.client.close();
        rememberSignIn(signIn);
        setPhase({ name: 'open', open: opened, signIn });
      } catch (error) {
        if (isWanted) setPhase({ name: 'failed', reason: String(error) });
      }
    };
    void open();
    return () => {
      isWanted = false;
    };
  }, [config, signIn]);

  const signOut = useCallback(async () => {
    if (phase.name !== 'open') return;
    rememberSignIn(undefined);
    setPhase({ name: 'signed-out' });
    await phase.open.client.clear();
  }, [phase]);
  /** With another token; what is stored and not sent stays. */
  const signInAgain = useCallback(
    async (again: SignIn) => {
      if (phase.name !== 'open') return;
      await phase.open.client.close();
      setPhase({ name: 'opening', signIn: again });
    },
    [phase],
  );

  switch (phase.name) {
    case 'loading':
    case 'opening':
      return <Opening />;
    case 'failed':
      return (
        <main className="alone" role="alert">
          <h1>{words.notOpened}</h1>
          <p>{phase.reason}</p>
          <button type="button" className="primary" onClick={() => void start()}>
            {words.tryAgain}
          </button>
        </main>
      );
    case 'signed-out':
      return (
        <SignInForm
          byName={config?.tokenUrl !== undefined}
          onSignIn={(given) => setPhase({ name: 'opening', signIn: given })}
        />
      );
    case 'open':
      return (
        <ImProvider client={phase.open.client}>
          <Open
            open={phase.open}
            byName={config?.tokenUrl !== undefined}
            onSignOut={() => void signOut()}
            onSignInAgain={(again) => void signInAgain(again)}
          />
        </ImProvider>
      );
  }
}

interface OpenProps {
  readonly open: OpenClient;
  readonly byName: boolean;
  readonly onSignOut: () => void;
  readonly onSignInAgain: (signIn: SignIn) => void;
}

function Open({ open, byName, onSignOut, onSignInAgain }: OpenProps) {
  const { kicked, isTokenExpired } = useConnection();
  if (kicked) return <Kicked kicked={kicked} />;
  return (
    <>
      <Chat isForgetful={open.isForgetful} onSignOut={onSignOut} />
      {isTokenExpired && (
        <div className="veil">
          <SignInForm
            byName={byName}
            reason={words.signInAgain}
            onSignIn={onSignInAgain}
            userId={open.client.userId}
          />
        </div>
      )}
    </>
  );
}

/** As large as what comes. */
function Opening() {
  return (
    <div className="layout" aria-busy="true" aria-label={words.opening}>
      <aside className="side">
        {Array.from({ length: 7 }, (_, index) => (
          <div key={index} className="row skeleton">
            <span className="avatar" />
            <span className="lines">
              <i />
              <i />
            </span>
          </div>
        ))}
      </aside>
      <section className="pane" />
    </div>
  );
}
