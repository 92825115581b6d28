// One socket of a client that has read the protocol and nothing else: frames out, and whatever comes back by its id.
import type { Stage, StageSocket } from './stage.ts';

export type Frame = Readonly<Record<string, unknown>>;

export interface PlainConnectionOptions {
  readonly stage: Stage;
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: string;
  /** Every frame, answers included. */
  readonly onFrame: (frame: Frame) => void;
  /** Every frame that leaves. */
  readonly onSent?: (frame: Frame) => void;
}

type Socket = InstanceType<ReturnType<Stage['sockets']>>;

export class PlainConnection {
  isOpen = false;
  private readonly socket: Socket;
  private readonly end: StageSocket;
  private readonly ends = new Set<() => void>();
  private readonly waiting = new Map<string, (frame: Frame) => void>();

  private readonly onSent: PlainConnectionOptions['onSent'];

  private constructor(socket: Socket, end: StageSocket, { onFrame, onSent }: PlainConnectionOptions) {
    this.socket = socket;
    this.end = end;
    this.onSent = onSent;
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      this.waiting.get(String(frame['id']))?.(frame);
      onFrame(frame);
    });
    socket.addEventListener('close', () => this.close());
    // A close always follows.
    socket.addEventListener('error', () => {});
  }

  /** `resumes`: nobody asked for it. `undefined`: it was not let in. */
  static async open(options: PlainConnectionOptions, resumes: boolean): Promise<PlainConnection | undefined> {
    const { stage, userId, deviceId, platform } = options;
    const token = await stage.issueToken(userId);
    let end: StageSocket | undefined;
    const Socket = stage.sockets((made) => (end = made));
    const query = `deviceId=${deviceId}&platform=${platform}${resumes ? '&resume=1' : ''}`;
    const socket = new Socket(`${stage.url}?${query}`, ['im.v1', `bearer.${token}`]);
    const connection = new PlainConnection(socket, end!, options);
    await new Promise<void>((resolve) => {
      socket.addEventListener('open', () => {
        connection.isOpen = true;
        resolve();
      });
      connection.ends.add(resolve);
    });
    return connection.isOpen ? connection : undefined;
  }

  send(frame: Frame): void {
    if (!this.isOpen) return;
    this.onSent?.(frame);
    this.socket.send(JSON.stringify(frame));
  }

  /** The answer; nothing, when the connection ends or that long goes by before it comes. */
  async ask(stage: Stage, frame: Frame, patienceMs: number): Promise<Frame | undefined> {
    const id = String(frame['id']);
    const answered = new Promise<Frame | undefined>((resolve) => {
      this.waiting.set(id, resolve);
      this.ends.add(() => resolve(undefined));
      if (!this.isOpen) resolve(undefined);
    });
    this.send(frame);
    return Promise.race([answered, stage.wait(patienceMs).then(() => undefined)]);
  }

  /** The network is gone, and the device sees it. */
  cut(): void {
    this.end.terminate();
    this.close();
  }

  private close(): void {
    this.isOpen = false;
    for (const end of this.ends) end();
  }
}
