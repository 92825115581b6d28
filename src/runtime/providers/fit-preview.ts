// Cuts a notification to what a push service takes.

/** The preview is what may be cut: the rest is short, and needed. */
export function fitPreview(
  preview: string | null,
  maxBytes: number,
  textWith: (preview: string | null) => string,
): string {
  const characters = preview === null ? [] : Array.from(preview);
  let text = textWith(preview);
  while (Buffer.byteLength(text) > maxBytes && characters.length > 0) {
    characters.length = Math.floor(characters.length * 0.9);
    text = textWith(characters.join(''));
  }
  return text;
}
