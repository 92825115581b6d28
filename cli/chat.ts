// What is on the screen beside the messages, and what the user does to it: which conversation is open, what is being
// written, and what was said last about it. The messages themselves come from the SDK's hooks.
import type { Client } from '../src/client/client.ts';
import type { Conversation } from '../src/client/conversation.ts';
import { editorOf, empty, type Editor } from './editor.ts';
import { perform } from './actions.ts';
import { parseCommand } from './commands.ts';
import { lastOwn, type Found } from './find.ts';
import { clean, oneLine } from './text.ts';

export interface Notice {
  readonly text: string;
  readonly isTrouble: boolean;
}

export type Overlay = { readonly kind: 'help' } | ({ readonly kind: 'found' } & Found);

export interface ChatState {
  /** Its conversation id. */
  readonly open: string | undefined;
  readonly editor: Editor;
  /** The own message that is written anew. */
  readonly editing: number | undefined;
  readonly notice: Notice | undefined;
  /** In the place of the conversation, until Esc. */
  readonly overlay: Overlay | undefined;
}

export class Chat {
  readonly client: Client;
  private state: ChatState = {
    open: undefined,
    editor: empty,
    editing: undefined,
    notice: undefined,
    overlay: undefined,
  };
  private readonly listeners = new Set<() => void>();
  /** By conversation: what was begun there and not sent. */
  private readonly begun = new Map<string, string>();

  constructor(client: Client) {
    this.client = client;
  }

  readonly get = (): ChatState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private set(change: Partial<ChatState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  tell(text: string): void {
    this.set({ notice: { text: oneLine(text), isTrouble: false } });
  }

  complain(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.set({ notice: { text: oneLine(text), isTrouble: true } });
  }

  show(overlay: Overlay): void {
    this.set({ overlay });
  }

  get conversation(): Conversation | undefined {
    const { open } = this.state;
    return open === undefined ? undefined : this.client.conversation(open);
  }

  /** `to`: a conversation id, or `user:<userId>`. @throws ImError `bad_request` */
  open(to: string): void {
    const conversation = this.client.conversation(to);
    const { conversationId } = conversation;
    if (conversationId === this.state.open) return;
    void this.keepDraft();
    const text = this.begun.get(conversationId) ?? conversation.summary.draft;
    this.set({
      open: conversationId,
      editor: editorOf(clean(text)),
      editing: undefined,
      notice: undefined,
      overlay: undefined,
    });
  }

  private shut(): void {
    void this.keepDraft();
    this.set({ open: undefined, editor: empty, editing: undefined });
  }

  /** Opens the next of the list, or the one before. */
  async move(step: 1 | -1): Promise<void> {
    const listed = (await this.client.conversations()).filter(({ hidden, left }) => !hidden && !left);
    if (listed.length === 0) return;
    const at = listed.findIndex(({ conversationId }) => conversationId === this.state.open);
    const next = at < 0 ? (step > 0 ? 0 : listed.length - 1) : (at + step + listed.length) % listed.length;
    const found = listed[next];
    if (found) this.open(found.conversationId);
  }

  write(change: (editor: Editor) => Editor): void {
    const editor = change(this.state.editor);
    const isText = editor.text !== '' && !editor.text.startsWith('/');
    if (isText && editor.text !== this.state.editor.text) this.conversation?.typing();
    this.set({ editor });
  }

  /** The innermost thing ends. */
  cancel(): void {
    const { overlay, editing, notice, editor } = this.state;
    if (overlay) this.set({ overlay: undefined });
    else if (editing !== undefined) this.set({ editing: undefined, editor: empty });
    else if (notice || editor.text !== '') this.set({ notice: undefined, editor: empty });
    else this.shut();
  }

  async editLast(): Promise<void> {
    const { conversation } = this;
    if (!conversation || this.state.editor.text !== '') return;
    const found = await lastOwn(conversation, this.client.userId);
    if (!found || found.type !== 'text') return this.tell('You have no text here that could be edited');
    if (conversation.conversationId !== this.state.open || this.state.editor.text !== '') return;
    const text = String(found.body['text']);
    this.set({ editing: found.seq, editor: editorOf(clean(text)), notice: undefined });
  }

  /** Enter. */
  async submit(): Promise<void> {
    const { editor, editing } = this.state;
    const { conversation } = this;
    this.set({ editor: empty, editing: undefined, notice: undefined, overlay: undefined });
    try {
      if (editing !== undefined) {
        if (editor.text.trim() !== '') await conversation?.edit(editing, editor.text);
      } else {
        await perform(this, parseCommand(editor.text));
      }
    } catch (error) {
      this.complain(error);
      // Nothing that was written is lost, unless something else was begun meanwhile.
      if (this.state.editor.text === '' && this.conversation?.conversationId === conversation?.conversationId)
        this.set({ editor, editing });
    }
  }

  useHere(): void {
    this.client.start().catch((error: unknown) => this.complain(error));
  }

  /** What was begun in the open conversation is kept for all devices. */
  async keepDraft(): Promise<void> {
    const { conversation } = this;
    const { editor, editing } = this.state;
    if (!conversation || editing !== undefined) return;
    const { text } = editor;
    if (text.startsWith('/') && !text.startsWith('//')) return;
    if (text === '') this.begun.delete(conversation.conversationId);
    else this.begun.set(conversation.conversationId, text);
    if (text === conversation.summary.draft) return;
    // A conversation that did not begin yet has no drafts: it is kept here then.
    await conversation.saveDraft(text).catch(() => {});
  }
}
