import type { Operator } from '../api.server.ts';
import type { Language } from '../language.ts';

/** An operator as its subscribers know it: `Kcell / activ`, because a number does not tell its brands apart. */
export function operatorName(operators: readonly Operator[], id: string, language: Language): string {
  const operator = operators.find((one) => one.id === id);
  if (!operator) return id;
  const brands = operator.brands.map((brand) => brand.names[language]);
  return brands.length > 0 ? [...new Set(brands)].join('\u00a0/ ') : operator.names[language];
}

/** All brands one after the other, each once. */
export function brandNames(operators: readonly Operator[], language: Language): string[] {
  return [...new Set(operators.flatMap((one) => one.brands.map((brand) => brand.names[language])))];
}
