/**
 * What is wrong with a form: said at the top with a way to the field, and once more at the field. `field` is the id there; undefined where
 * it is no field's fault.
 */
export type Problem = { readonly field: string | undefined; readonly text: string };

export function problemAt(problems: readonly Problem[] | undefined, field: string): string | undefined {
  return problems?.find((one) => one.field === field)?.text;
}

/** What was typed into a field, without the blanks around it, cut where it is longer than anything that could be right. */
export function textIn(form: FormData, name: string, lengthMax: number): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim().slice(0, lengthMax) : '';
}

const GROUPED = /^\d{1,3}([ ,.\u00a0\u202f’']\d{3})+$/;

/**
 * A typed amount as the API reads it: `1 500 ₸`, `1,500` and `１５００` are `1500`, `99,5` is `99.5`. What is none is handed on as it is, for the
 * API to say so.
 */
export function readAmount(typed: string): string {
  const bare = typed
    .normalize('NFKC')
    .replace(/₸|KZT|тг\.?|тенге|теңге|坚戈/giu, '')
    .trim();
  if (GROUPED.test(bare)) return bare.replace(/\D/g, '');
  const digits = bare.replace(/\s/g, '');
  return /^\d+[,.]\d{1,2}$/.test(digits) ? digits.replace(',', '.') : digits;
}
