// Which mailbox what is stored here comes from.
import type { Store } from '../store/store.ts';

export interface MailboxState {
  readonly head: number;
  readonly mailbox?: string | undefined;
}

/** What is stored is from another mailbox. */
export function isForeign({ meta }: Store, mailbox: string | undefined): boolean {
  return meta.mailbox !== undefined && mailbox !== undefined && mailbox !== meta.mailbox;
}
