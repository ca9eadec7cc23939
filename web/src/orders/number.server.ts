import { m } from '../../../messages/compiled/messages.js';
import type { Problem } from '../forms.ts';
import type { Language } from '../language.ts';

/** Which refusals are about the number that was typed. */
export function numberField(code: string): string | undefined {
  return /^(msisdn|subscriber|operator)\.|^request\.invalid$/.test(code) ? 'number' : undefined;
}

export function noNumber(language: Language): Problem {
  return { field: 'number', text: m.pay_number_empty({}, { locale: language }) };
}
