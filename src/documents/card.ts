import type { Writable } from 'node:stream';
import * as m from '../../messages/compiled/messages.js';
import { formatAmount } from '../base/money.ts';
import type { Names } from '../catalogue/index.ts';
import { dayOf, formatMoney, formatQuantityPhone, type Language } from '../i18n/index.ts';
import type { PrintedCard, Value } from '../vouchers/index.ts';
import type { SheetsOptions } from './sheets.ts';

/** What all cards of a batch say, besides their own serial and code. */
export type CardFacts = {
  readonly operator: Names;
  readonly values: readonly Value[];
  /** The card may be redeemed before this instant. */
  readonly expiresAt: Date;
  /** Opens a menu that asks for the card's code, `*111#`; undefined where the operator has none. */
  readonly dialCode: string | undefined;
  readonly hotline: string | undefined;
  /** Of the site: `https://sapar.example`. */
  readonly origin: string;
  /** All four; the first one gives names and amounts their form. */
  readonly languages: readonly Language[];
};

/** The words on a card. */
export type CardText = {
  readonly operator: string;
  readonly value: string;
  readonly codeLabel: string;
  readonly dialCode: string | undefined;
  readonly useByLabel: string;
  readonly useBy: string;
  /** Where a code is typed by hand, and where the QR code leads. */
  readonly page: string;
  /** What to do, once in each language. */
  readonly instructions: readonly string[];
};

export function cardText(facts: CardFacts): CardText {
  const { operator, languages, values, expiresAt, dialCode } = facts;
  const [first = 'en'] = languages;
  const inAll = (say: (language: Language) => string): string => [...new Set(languages.map(say))].join(' · ');
  return {
    operator: inAll((language) => operator[language]),
    value: values.map((value) => worth(value, first)).join(' + '),
    codeLabel: inAll((language) => m.ussd_code_word({}, { locale: language })),
    dialCode,
    useByLabel: inAll((language) => m.card_use_by({}, { locale: language })),
    // The last whole day, in the one form that no reader takes for another day.
    useBy: dayOf(new Date(expiresAt.getTime() - 1)),
    page: new URL('/v', facts.origin).href.replace(/^https:\/\//, ''),
    instructions: languages.map((language) => instructions(facts, language)),
  };
}

function instructions({ values, dialCode, hotline, origin }: CardFacts, language: Language): string {
  const said = { locale: language };
  const page = new URL('/v', origin).href.replace(/^https:\/\//, '');
  const sentences = [dialCode === undefined ? m.card_how_web({ page }, said) : m.card_how({ dial: dialCode }, said)];
  for (const [days, alike] of Map.groupBy(values, ({ validDays }) => validDays)) {
    if (days === undefined) continue;
    const listed = alike.map((value) => worth(value, language)).join(language === 'zh' ? '、' : ', ');
    sentences.push(m.card_life({ values: listed, days: String(days) }, said));
  }
  if (hotline !== undefined) sentences.push(m.card_hotline({ number: hotline }, said));
  return sentences.join(language === 'zh' ? '' : ' ');
}

/** Money with the sign of the tenge; the other units as phones show them, for whole numbers without decimals. */
function worth({ unit, amount }: Value, language: Language): string {
  const text = formatAmount(amount, unit);
  return unit === 'KZT' ? formatMoney(text, language) : formatQuantityPhone({ unit, amount: text }, language);
}

/**
 * What the QR code holds: the page where a card is redeemed, with the code of the card in the fragment, which browsers keep to themselves (decision
 * 0013).
 */
export function redeemAddress(origin: string, pin: string): string {
  return `${new URL('/v', origin).href}#${pin}`;
}

/** Sheets of cards as PDF, see `writeSheets`. What draws them is loaded by who prints, and not by every program that knows of documents. */
export async function writeCards(
  cards: AsyncIterable<PrintedCard>,
  options: SheetsOptions,
  out: Writable,
): Promise<{ cards: number; sheets: number }> {
  const { writeSheets } = await import('./sheets.ts');
  return writeSheets(cards, options, out);
}
