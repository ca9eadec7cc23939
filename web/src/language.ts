/** The languages of the site in the order of its switch, each under its own name. The first segment of every address is one. */
export const languages = ['zh', 'en', 'ru', 'kk'] as const;
export type Language = (typeof languages)[number];

export const languageNames: Readonly<Record<Language, string>> = {
  zh: '中文',
  en: 'English',
  ru: 'Русский',
  kk: 'Қазақша',
};

/** For `lang` and `hreflang`: Chinese names its script, so that a browser picks the right glyphs. */
export const languageTags: Readonly<Record<Language, string>> = { zh: 'zh-Hans', en: 'en', ru: 'ru', kk: 'kk' };

const fallback: Language = 'en';

export function isLanguage(text: string | undefined): text is Language {
  return languages.some((language) => language === text);
}

/** The language an address asks for: its first segment. */
export function languageOfPath(path: string): Language | undefined {
  const [, first] = path.split('/');
  return isLanguage(first) ? first : undefined;
}

/** RFC 9110 Accept-Language: the served language with the highest weight, the first of equals. */
export function preferredLanguage(accepted: string | null): Language {
  const wishes = (accepted ?? '').slice(0, 500).split(',').map(wishOf);
  const served = wishes.filter((wish) => isLanguage(wish.language) && wish.weight > 0);
  const best = served.toSorted((a, b) => b.weight - a.weight)[0]?.language;
  return isLanguage(best) ? best : fallback;
}

function wishOf(range: string): { language: string; weight: number } {
  const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
  return { language: tag.split('-')[0] ?? '', weight: Number(weight) || 0 };
}
