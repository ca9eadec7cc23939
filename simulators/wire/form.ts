/** A form as it nests: `a[b][0]=x` is `{ a: { b: { '0': 'x' } } }`. Lists are objects with numbered keys; `listOf` reads them. */
export type FormValue = string | { readonly [key: string]: FormValue };
export type Form = { readonly [key: string]: FormValue };

type Node = { [key: string]: string | Node };

/** Objects without a prototype: a key named `constructor` is a key like any other. */
const empty = (): Node => Object.create(null);

/** Parses `application/x-www-form-urlencoded` with brackets; `a[]=x` appends. Of two values with one name the later counts. */
export function parseForm(text: string): Form {
  const root = empty();
  for (const [name, value] of new URLSearchParams(text)) {
    const head = /^[^[\]]+/.exec(name)?.[0] ?? name;
    const path = [head, ...[...name.slice(head.length).matchAll(/\[([^[\]]*)\]/g)].map((match) => match[1] ?? '')];
    put(root, path, value);
  }
  return root;
}

function put(root: Node, path: readonly string[], value: string): void {
  let node = root;
  for (const [index, part] of path.entries()) {
    const key = part === '' ? String(Object.keys(node).length) : part;
    if (index === path.length - 1) {
      node[key] = value;
      return;
    }
    const next = node[key];
    if (typeof next === 'object') {
      node = next;
    } else {
      const made = empty();
      node[key] = made;
      node = made;
    }
  }
}

/** The value at a path of keys, when it is text. */
export function textAt(form: Form, ...path: readonly string[]): string | undefined {
  const value = valueAt(form, path);
  return typeof value === 'string' ? value : undefined;
}

/** The form within the form at a path of keys. */
export function formAt(form: Form, ...path: readonly string[]): Form | undefined {
  const value = valueAt(form, path);
  return typeof value === 'object' ? value : undefined;
}

function valueAt(form: Form, path: readonly string[]): FormValue | undefined {
  let value: FormValue | undefined = form;
  for (const key of path) value = typeof value === 'object' ? value[key] : undefined;
  return value;
}

/** A numbered list, in order of its numbers. */
export function listOf(form: Form | undefined): FormValue[] {
  return Object.entries(form ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, value]) => value);
}
