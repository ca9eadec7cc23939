import { menuCodeOf, type Operator } from './api.server.ts';
import { formatDay } from './format.ts';
import type { Language } from './language.ts';

/** What to dial on each operator's network, as links a phone can call. */
export function dialCodes(operators: readonly Operator[], language: Language) {
  return operators.flatMap((operator) => {
    const menu = menuCodeOf(operator);
    if (!menu) return [];
    const { code, verifiedAt } = menu;
    const day = { iso: verifiedAt, text: formatDay(verifiedAt, language) };
    // A bare # would end the address there.
    return [{ name: operator.names[language], code, call: `tel:${encodeURIComponent(code)}`, day }];
  });
}
