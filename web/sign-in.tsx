// Signing in: by any name on a developer's machine, with a token elsewhere.
import { useState, type FormEvent } from 'react';
import { isId } from '../src/protocol/ids.ts';
import { userOf, type SignIn } from './session.ts';
import { words } from './words.ts';

interface SignInProps {
  readonly byName: boolean;
  readonly reason?: string;
  /** Who signs in again. */
  readonly userId?: string;
  readonly onSignIn: (signIn: SignIn) => void;
}

export function SignInForm({ byName, reason, userId, onSignIn }: SignInProps) {
  const [value, setValue] = useState(byName ? (userId ?? '') : '');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = value.trim();
    const user = byName ? given : userOf(given);
    if (!user || !isId(user) || (userId && user !== userId)) {
      return setProblem(byName ? words.nameRule : words.tokenHint);
    }
    onSignIn({ userId: user, ...(!byName && { token: given }) });
  };
  return (
    <main className="alone">
      <form className="card" onSubmit={submit}>
        <h1>{words.signIn}</h1>
        {reason && <p role="alert">{reason}</p>}
        <label>
          {byName ? words.yourName : words.token}
          <input
            value={value}
            onChange={(event) => setValue(event.target.value)}
            autoFocus
            autoComplete="username"
            spellCheck={false}
            aria-invalid={problem !== undefined}
            aria-describedby="sign-in-hint"
          />
        </label>
        <p id="sign-in-hint" className={problem ? 'problem' : 'hint'}>
          {problem ?? (byName ? words.anyName : words.tokenHint)}
        </p>
        <button type="submit" className="primary" disabled={value.trim() === ''}>
          {words.signIn}
        </button>
      </form>
    </main>
  );
}
