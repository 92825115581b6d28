// The `*` and `?` of ARNs and actions in policies.

/** `*` stands for any run of characters, slashes and colons included; `?` for one character. */
export function matchesWildcard(pattern: string, value: string): boolean {
  return compileWildcard(pattern).test(value);
}

export function compileWildcard(pattern: string, flags = ''): RegExp {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, `s${flags}`);
}
