import { defineParams } from '@sveltejs/kit/params';
import { isLanguage } from './language.ts';

/** `/[language=language]/…`: an address in a language the site does not speak is not found. */
export const params = defineParams({
  language: (param) => (isLanguage(param) ? param : undefined),
});
