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
