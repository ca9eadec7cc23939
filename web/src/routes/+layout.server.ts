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
  const kept = keptQuery(url);
  const words = siteWords(language);
  return {
    language,
    words,
    places: [
      { path: `/${language}/topup`, name: words.topUp },
      { path: `/${language}/redeem`, name: words.redeem },
      { path: `/${language}/request`, name: words.request },
    ].map((place) => ({ ...place, isHere: url.pathname === place.path })),
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

/** What an address asks for besides its page goes along to another language; which of the page's forms was sent does not. */
function keptQuery({ searchParams }: URL): string {
  const kept = new URLSearchParams([...searchParams].filter(([name]) => !name.startsWith('/')));
  return kept.size > 0 ? `${kept}&` : '';
}
