/** Where a dialled string goes: to our dialogue with the inputs it already carries, to some other service, or nowhere. */
export type Dialled =
  | { readonly kind: 'reaches'; readonly text: string }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'unreadable' };

const DIALLED = /^\*(\d{2,4})(?:\*([\d*]*?)\**)?#?$/;

/**
 * `*111#`, `*111*` and `*111` open the dialogue of `*111#`; `*111*1234567890123456#` opens it with a first input, which the
 * network hands over as the text of the first request. Full-width keys of Chinese keyboards count as their plain twins.
 */
export function readDialled(typed: string, menuCode: string): Dialled {
  const match = DIALLED.exec(typed.normalize('NFKC').replace(/\s+/g, ''));
  if (!match) return { kind: 'unreadable' };
  const [, service, text = ''] = match;
  return menuCode === `*${service}#` ? { kind: 'reaches', text } : { kind: 'elsewhere' };
}

/** The one-shot form: the dial code with a card's code inside, `*111*1234567890123456#`. */
export function dialWith(menuCode: string, pin: string): string {
  return menuCode.replace(/#$/, `*${pin}#`);
}
