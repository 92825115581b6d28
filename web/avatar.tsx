// Initials on a colour that is made from the id: the same for everybody, everywhere.
export function Avatar({ id, name, size = 40 }: { id: string; name: string; size?: 24 | 32 | 40 }) {
  const [first] = new Intl.Segmenter().segment(name.trim());
  const initials = first?.segment.toUpperCase() ?? '?';
  return (
    <span className={`avatar size-${size} hue-${hueOf(id)}`} aria-hidden="true">
      {initials}
    </span>
  );
}

/** One of eight. */
function hueOf(id: string): number {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.codePointAt(0)!) % 997;
  return hash % 8;
}
