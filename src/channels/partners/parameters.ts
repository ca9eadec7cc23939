/** What a request says, by the names that are asked for; `defects` are those that cannot be read, or are said twice. */
export type Parameters = { readonly values: ReadonlyMap<string, string>; readonly defects: ReadonlySet<string> };

/**
 * Reads `a=1&b=2` (URL standard, `application/x-www-form-urlencoded`). Names that nobody asked for are ignored, whatever they hold: networks add fields of
 * their own, in encodings of their own. Of a parameter said twice neither is taken: two programs on the way may choose differently.
 */
export function readParameters(text: string, names: ReadonlySet<string>): Parameters {
  const values = new Map<string, string>();
  const defects = new Set<string>();
  for (const pair of text.split('&')) {
    const at = pair.indexOf('=');
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    if (name === undefined || !names.has(name)) continue;
    const value = decoded(at < 0 ? '' : pair.slice(at + 1));
    if (value === undefined || values.has(name)) defects.add(name);
    else values.set(name, value);
  }
  for (const name of defects) values.delete(name);
  return { values, defects };
}

/** Undefined where it is not UTF-8 percent-encoded. */
function decoded(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
