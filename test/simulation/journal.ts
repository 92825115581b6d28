// What went through a device's hands, in order: entries of the mailbox that it heard, the position on its disk, and the
// cursors that it told. From outside: its frames and its disk are looked at, and nothing of the client.
import type { Change } from '../../src/client/storage/storage.ts';
import type { Step } from './history.ts';

export type Frame = Readonly<Record<string, unknown>>;

export class Journal {
  readonly steps: Step[] = [];
  private readonly deviceId: string;
  private mailbox: unknown;
  private position = -1;

  constructor(deviceId: string) {
    this.deviceId = deviceId;
  }

  /** One socket's view of it, in a tab if there are several: answers are known by the ids of what was asked there. */
  connection(url: string, tab?: number): { leave(frame: Frame): void; hear(frame: Frame): void } {
    const syncs = new Map<unknown, unknown>();
    let isSynced = false;
    this.steps.push({ opens: { tab, resume: new URL(url).searchParams.has('resume') } });
    return {
      leave: (frame) => {
        const cursor = frame['action'] === 'sync' ? frame['after'] : frame['cursor'];
        if (frame['action'] === 'send' && !isSynced) this.steps.push({ hasty: true });
        if (frame['action'] === 'sync') syncs.set(frame['id'], cursor);
        if (typeof cursor === 'number') this.steps.push({ told: cursor });
      },
      hear: (frame) => {
        if (frame['push'] === 'sync' && frame['events']) {
          this.steps.push({ heard: { from: frame['from'] as number, to: frame['to'] as number } });
        } else if (frame['push'] === 'kicked') {
          // A newer connection of its own does so too.
          const by = frame['by'] as { deviceId: string } | undefined;
          if (by?.deviceId !== this.deviceId) this.steps.push({ kicked: true });
        } else if (syncs.has(frame['id']) && frame['ok']) {
          isSynced ||= frame['more'] === false;
          this.hearPage(frame, syncs.get(frame['id']));
        }
      },
    };
  }

  /** A tab has heard that another device took over. */
  learn(tab: number): void {
    this.steps.push({ knows: tab });
  }

  ask(): void {
    this.steps.push({ asked: true });
  }

  /** That much is on the disk now. */
  keep(changes: readonly Change[]): void {
    const meta = changes.find(({ key }) => key === 'meta')?.value as { position: number | null } | undefined;
    if (!meta || meta.position === null || meta.position === this.position) return;
    this.position = meta.position;
    this.steps.push({ kept: meta.position });
  }

  private hearPage({ reset, head, next, events, mailbox }: Frame, after: unknown): void {
    const isForeign = this.mailbox !== undefined && mailbox !== this.mailbox;
    this.mailbox = mailbox;
    // All that was heard before is of no use; what the page says begins after that.
    if (reset || isForeign) return void this.steps.push({ anew: reset ? (head as number) : 0 });
    const to = next as number;
    const from = to - (events as readonly unknown[]).length + 1;
    if (after === undefined) this.steps.push({ begins: from - 1 });
    if (from <= to) this.steps.push({ heard: { from, to } });
  }
}
