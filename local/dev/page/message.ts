// What a form says of itself.

export function showMessage(target: HTMLElement, text: string, kind: 'good' | 'bad' = 'good'): void {
  target.textContent = text;
  target.dataset['kind'] = kind;
}
