export type Language = 'zh' | 'en' | 'ru' | 'kk';

/** In the order of the language switch, everywhere. */
export const languages: readonly Language[] = ['zh', 'en', 'ru', 'kk'];

/** A language is offered under its own name: who needs the switch cannot read the other ones. */
export const languageNames: Readonly<Record<Language, string>> = {
  zh: '中文',
  en: 'English',
  ru: 'Русский',
  kk: 'Қазақша',
};

export function isLanguage(text: string): text is Language {
  return Object.hasOwn(languageNames, text);
}

/** For programs that name no language we have. */
const FALLBACK: Language = 'en';

/** A browser's header is well below; the rest of a longer one is not read. */
const HEADER_LENGTH_MAX = 500;

/** Accept-Language (RFC 9110, 12.5.4): the served language with the highest weight, the first of equals. */
export function languageOf(acceptLanguage: string | undefined): Language {
  if (acceptLanguage === undefined) return FALLBACK;
  let best: { language: Language; weight: number } | undefined;
  for (const range of acceptLanguage.slice(0, HEADER_LENGTH_MAX).split(',')) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const language = tag.split('-')[0] ?? '';
    const weight = weightOf(parameters);
    if (isLanguage(language) && weight > (best?.weight ?? 0)) best = { language, weight };
  }
  return best?.language ?? FALLBACK;
}

function weightOf(parameters: readonly string[]): number {
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  return quality === undefined ? 1 : Number(quality.slice(2)) || 0;
}
