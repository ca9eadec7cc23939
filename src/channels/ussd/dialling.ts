import * as m from '../../../messages/compiled/messages.js';
import type { Language } from '../../i18n/index.ts';

const SERVICE_CODE = /^\*\d{1,6}(\*\d{1,6})*#$/;

/**
 * What to dial to redeem a card at once, with the word for the card's code in its place: from the code the person has just dialled,
 * since a deployment's own differs from the country pack's, else from `known`.
 */
export function dialText(
  { serviceCode, language }: { serviceCode: string; language: Language },
  known: string | undefined,
): string {
  const dialled = SERVICE_CODE.test(serviceCode) ? serviceCode.replace('#', '*{pin}#') : (known ?? serviceCode);
  return withWord(dialled, language);
}

export function withWord(code: string, locale: Language): string {
  return code.replace('{pin}', m.ussd_code_word({}, { locale }));
}

/**
 * What a phone dialled, taken apart: the code it was known by here, and what was dialled behind it, `*111*PIN#` as `*111#` and `PIN`.
 * Of the codes that fit, the longest is meant. A string that begins with none of them has nothing behind it.
 */
export function readDialled(dialled: string, codes: readonly string[]): { serviceCode: string; text: string } {
  const fits = codes
    .map((code) => code.replace(/#$/, ''))
    .filter((stem) => dialled.startsWith(stem) && /^(#|\*|$)/.test(dialled.slice(stem.length)))
    .sort((one, other) => other.length - one.length);
  const [stem] = fits;
  if (stem === undefined) return { serviceCode: dialled, text: '' };
  return { serviceCode: `${stem}#`, text: dialled.slice(stem.length).replace(/^\*/, '').replace(/#$/, '') };
}
