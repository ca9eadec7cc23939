import { readOperators } from '../../api.server.ts';
import { dialCodes } from '../../dial.server.ts';
import { visitorOf } from '../../found.server.ts';
import { numberWords } from '../../orders/words.server.ts';
import { homeWords } from '../../words.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const { language } = event.locals;
  const operators = await readOperators(visitorOf(event));
  return {
    home: homeWords(language),
    number: numberWords(language),
    codes: operators.kind === 'read' ? dialCodes(operators.value, language) : undefined,
  };
};
