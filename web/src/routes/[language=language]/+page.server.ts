import { menuCodeOf, readOperators } from '../../api.server.ts';
import { formatDay } from '../../format.ts';
import { homeWords } from '../../words.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, getClientAddress }) => {
  const { language } = locals;
  const operators = await readOperators({ language, address: getClientAddress() });
  const codes =
    operators.kind !== 'read'
      ? undefined
      : operators.value.flatMap((operator) => {
          const menu = menuCodeOf(operator);
          if (!menu) return [];
          const { code, verifiedAt } = menu;
          const day = { iso: verifiedAt, text: formatDay(verifiedAt, language) };
          // A bare # would end the address there.
          return [{ name: operator.names[language], code, call: `tel:${encodeURIComponent(code)}`, day }];
        });
  return { home: homeWords(language), codes };
};
