import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Things of one kind by their id. What is put must be JSON; it is copied, so that a later change has to be put too. */
export type Shelf<T> = {
  get(id: string): T | undefined;
  put(id: string, value: T): void;
  remove(id: string): void;
  /** In the order in which their ids were first put. */
  values(): T[];
  /** Those that fit, in that order; the others are not copied. */
  select(fits: (value: T) => boolean): T[];
};

export type Journal = { shelf<T>(kind: string): Shelf<T> };

type Line = { readonly kind: string; readonly id: string; readonly value: unknown };

/**
 * The memory of a simulator: shelves whose every change is a line of a file, read again at the next start, so that a program that
 * was killed goes on where it was. Without a path it lives as long as the process. One process a file.
 */
export function openJournal(path?: string): Journal {
  const kept = new Map<string, Map<string, unknown>>();
  const shelfOf = (kind: string): Map<string, unknown> => {
    const shelf = kept.get(kind) ?? new Map<string, unknown>();
    kept.set(kind, shelf);
    return shelf;
  };
  const apply = ({ kind, id, value }: Line): void => {
    if (value === null) shelfOf(kind).delete(id);
    else shelfOf(kind).set(id, value);
  };
  const append = (line: Line): void => {
    if (path !== undefined) appendFileSync(path, `${JSON.stringify(line)}\n`);
  };
  if (path !== undefined) {
    mkdirSync(dirname(path), { recursive: true });
    for (const line of readLines(path)) apply(line);
    rewrite(path, kept);
  }
  return {
    shelf<T>(kind: string): Shelf<T> {
      const shelf = shelfOf(kind) as Map<string, T>;
      const copy = (value: T | undefined): T | undefined => (value === undefined ? undefined : structuredClone(value));
      return {
        get: (id) => copy(shelf.get(id)),
        put(id, value) {
          append({ kind, id, value });
          shelf.set(id, structuredClone(value));
        },
        remove(id) {
          append({ kind, id, value: null });
          shelf.delete(id);
        },
        values: () => [...shelf.values()].map((value) => structuredClone(value)),
        select: (fits) => [...shelf.values()].filter(fits).map((value) => structuredClone(value)),
      };
    },
  };
}

function* readLines(path: string): Generator<Line> {
  if (!existsSync(path)) return;
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text === '') continue;
    try {
      yield JSON.parse(text) as Line;
    } catch {
      // The line that was being written when the process was killed: nobody had an answer that rests on it.
      return;
    }
  }
}

/** Only what still counts is kept; the new file takes the old one's place in one step. */
function rewrite(path: string, kept: ReadonlyMap<string, ReadonlyMap<string, unknown>>): void {
  const lines: string[] = [];
  for (const [kind, shelf] of kept)
    for (const [id, value] of shelf) lines.push(`${JSON.stringify({ kind, id, value })}\n`);
  writeFileSync(`${path}.new`, lines.join(''));
  renameSync(`${path}.new`, path);
}
