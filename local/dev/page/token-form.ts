// Makes a token, and the command that connects with it.
import { byId, typedById } from './dom.ts';
import { showMessage } from './message.ts';

export function createTokenForm(): void {
  const form = typedById('token-form', HTMLFormElement);
  const message = byId('token-message');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void makeToken(form, message);
  });
  for (const button of form.querySelectorAll<HTMLButtonElement>('[data-copy]'))
    button.addEventListener('click', () => void copy(button, message));
}

async function makeToken(form: HTMLFormElement, message: HTMLElement): Promise<void> {
  const fields = new URLSearchParams([...new FormData(form)] as [string, string][]);
  const field = (name: string) => fields.get(name) ?? '';
  const query = new URLSearchParams({ user: field('user'), ttl: field('ttl') });
  try {
    const response = await fetch(`/dev/token?${query}`);
    const { token, error } = (await response.json()) as { token: string; error?: string };
    if (!response.ok) throw new Error(error);
    byId('token').textContent = token;
    byId('command').textContent = commandOf(token, field('deviceId'), field('platform'));
    byId('frame').textContent = frameTo(field('user'));
    byId('token-result').hidden = false;
    showMessage(message, `A token for ${field('user')}.`);
  } catch (error) {
    showMessage(message, (error as Error).message, 'bad');
  }
}

function commandOf(token: string, deviceId: string, platform: string): string {
  const query = new URLSearchParams({ deviceId, platform });
  return `npx wscat -c "ws://${location.host}?${query}" -s im.v1 -s "bearer.${token}"`;
}

/** To oneself, on all of one's devices: it works with nobody else there. */
function frameTo(userId: string): string {
  const clientMsgId = crypto.randomUUID();
  const body = { text: 'hello' };
  return JSON.stringify({ action: 'send', id: '1', to: `user:${userId}`, clientMsgId, type: 'text', body });
}

async function copy(button: HTMLButtonElement, message: HTMLElement): Promise<void> {
  const what = button.dataset['copy']!;
  try {
    await navigator.clipboard.writeText(byId(what).textContent);
    showMessage(message, `Copied the ${what}.`);
  } catch {
    showMessage(message, `The browser does not let this page copy: select the ${what} instead.`, 'bad');
  }
}
