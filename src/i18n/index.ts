/** PLACEHOLDER by the lead: the API imports `languageOf` and `refusalText` from here; keep these two names and signatures. */
import type { RefusalCode, RefusalDetails } from '../base/refusal.ts';

export type Language = 'en' | 'zh' | 'ru' | 'kk';

export function languageOf(_acceptLanguage: string | undefined): Language {
  return 'en';
}

export function refusalText(code: RefusalCode, _language: Language, _details: RefusalDetails): string {
  return code;
}
