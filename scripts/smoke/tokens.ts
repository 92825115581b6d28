// Tokens of the users of a smoke test: from a command, once for each user.
import { exec } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(exec);
const COMMAND_TIMEOUT_MS = 20_000;

export type TokenOf = (userId: string) => Promise<string>;

/** `{user}` in the command becomes the user id; a command without it has the user id as its last word. */
export function tokensByCommand(command: string): TokenOf {
  return async (userId) => {
    // User ids here are of letters, digits and hyphens: there is nothing for a shell to read in them.
    const filled = command.includes('{user}') ? command.replaceAll('{user}', userId) : `${command} ${userId}`;
    try {
      return (await run(filled, { timeout: COMMAND_TIMEOUT_MS })).stdout.trim();
    } catch (error) {
      const { code, stderr = '' } = error as { code?: number; stderr?: string };
      const lastLine = stderr.trim().split('\n').at(-1);
      throw new Error(`the token command ended with ${code}${lastLine ? `: ${lastLine}` : ''}`, {
        cause: error,
      });
    }
  };
}

/** @throws Error where it is no JWT, or no claim of it is that user; whether it is good, the backend says. */
export function checkToken(token: string, userId: string): void {
  let claims: object;
  try {
    claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
  } catch (cause) {
    throw new Error(`the token command printed no JWT for ${userId}`, { cause });
  }
  // Not `sub` alone: `userClaim` is configuration.
  if (!Object.values(claims).includes(userId))
    throw new Error(`the token command printed a token of another user than ${userId}`);
}
