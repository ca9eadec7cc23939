/**
 * How things are said to people: the language somebody wants, money, amounts and times as that language writes them, the text of
 * each refusal, and how much room a USSD text takes. Texts come from messages/; the language is always an argument, there is
 * no current one.
 */
export {
  dayOf,
  formatDate,
  formatDay,
  formatMoment,
  formatMoney,
  formatMoneyPhone,
  formatPrice,
  formatQuantityPhone,
  formatRate,
  formatShort,
  type Quantity,
} from './format.ts';
export { isLanguage, type Language, languageNames, languageOf, languages } from './language.ts';
export { endOfBar, refusalText } from './refusals.ts';
export { type Alphabet, fitsUssd, type UssdLimit, ussdLength } from './ussd.ts';
