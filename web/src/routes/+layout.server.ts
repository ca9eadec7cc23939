import { languageNames, languages, languageTags } from '../language.ts';
import { demoIsOn } from '../settings.server.ts';
import { errorWords, siteWords } from '../words.server.ts';
import type { LayoutServerLoad } from './$types';

/** Pages are plain HTML; one that gains from script asks for it. */
export const csr = false;

export const load: LayoutServerLoad = ({ locals, url, route }) => {
  const { language } = locals;
  // Where nothing was found, another language is found at its home page.
  const path = route.id?.startsWith('/[language') ? url.pathname.replace(/^\/[^/]*/, '') : '';
  const operator = url.searchParams.get('operator');
  const kept = operator === null ? '' : `operator=${encodeURIComponent(operator)}&`;
  return {
    language,
    words: siteWords(language),
    errors: errorWords(language),
    demoOn: demoIsOn(),
    origin: url.origin,
    languageLinks: languages.map((to) => ({
      language: to,
      tag: languageTags[to],
      name: languageNames[to],
      path: `/${to}${path}`,
      choose: `/${to}${path}?${kept}chosen`,
    })),
  };
};
