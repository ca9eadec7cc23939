import { m } from '../../../messages/compiled/messages.js';
import type { Operator, Visitor } from '../api.server.ts';
import { currencyName, formatMoneyIn } from '../format.ts';
import { type Problem, readAmount, textIn } from '../forms.ts';
import type { Language } from '../language.ts';
import { limits } from '../limits.ts';
import { type Methods, type Order, type PriceLine, readPrices } from './api.server.ts';
import { methodNames } from './methods.server.ts';
import { operatorName } from './operators.ts';

/** What the form of the amount page holds, as it was sent. */
export type Choice = {
  readonly operator: string;
  /** A preset, or `other`. */
  readonly amount: string;
  readonly other: string;
  readonly currency: string;
  readonly method: string;
  readonly confirm: string;
};

export const OTHER = 'other';

export function choiceIn(form: FormData): Choice {
  const text = (name: string): string => textIn(form, name, limits.amountLengthMax);
  return {
    operator: text('operator'),
    amount: text('amount'),
    other: text('other'),
    currency: text('currency'),
    method: text('method'),
    confirm: text('confirm'),
  };
}

/** Where a visitor says nothing, the money of those who speak the language; they change it with one tap. */
const usual: Readonly<Record<Language, string>> = { zh: 'CNY', en: 'USD', ru: 'KZT', kk: 'KZT' };

type Offer = { readonly order: Order; readonly offered: Methods; readonly language: Language };

/**
 * What the page starts with: asked for in the address (`show` is the button of a currency, which sends the rest of the form along), else
 * what the order holds, else what is usual.
 */
export function choiceAsked(query: URLSearchParams, { order, offered, language }: Offer): Choice {
  const asked = (name: string): string => (query.get(name) ?? '').slice(0, limits.amountLengthMax);
  const available = offered.currencies.filter((one) => one.available).map((one) => one.currency);
  const wishes = [asked('show'), asked('currency'), order.quote?.price.currency ?? '', usual[language]];
  const currency = wishes.find((wish) => available.includes(wish)) ?? available[0] ?? 'KZT';
  const method = [asked('method'), order.quote?.method ?? ''].find((wish) =>
    offered.methods.some((one) => one.id === wish),
  );
  const native = offered.methods.find((one) => one.currencies.includes(currency)) ?? offered.methods[0];
  return {
    operator: asked('operator') || order.operator,
    amount: asked('amount') || (asked('other') === '' ? (order.amount ?? '') : OTHER),
    other: asked('other'),
    currency,
    method: method ?? native?.id ?? '',
    confirm: '',
  };
}

/** The amount that was meant, or why it cannot be told. */
export function amountMeant({ amount, other }: Choice, language: Language): { amount: string } | Problem {
  const locale = { locale: language };
  if (amount === '' && other === '') return { field: 'amount', text: m.pay_amount_missing({}, locale) };
  if (amount === OTHER && other === '') return { field: 'other', text: m.pay_amount_missing({}, locale) };
  if (other === '') return { amount };
  if (amount === '' || amount === OTHER) return { amount: readAmount(other) };
  // Which of the two was meant is for the visitor to say, not for us to guess.
  const chosen = formatMoneyIn({ currency: 'KZT', amount }, language);
  return { field: 'other', text: m.pay_amount_both({ amount: chosen }, locale) };
}

/** The field a refusal belongs to. */
export function choiceField({ amount, other }: Choice): (code: string) => string | undefined {
  return (code) => {
    if (code === 'msisdn.confirm') return 'confirm';
    if (code.startsWith('amount.')) return other !== '' || amount === OTHER ? 'other' : 'amount';
    if (code === 'quote.no_rate' || code.startsWith('currency.')) return 'currency';
    if (/^(method|payment)\./.test(code)) return 'method';
    return /^(msisdn|subscriber|operator)\./.test(code) ? 'operator' : undefined;
  };
}

type Page = Offer & { readonly choice: Choice; readonly operators: readonly Operator[]; readonly visitor: Visitor };

/** Everything the page shows that depends on the order, ready to read. */
export async function showAmounts(page: Page) {
  const { order, offered, language, choice, operators, visitor } = page;
  const locale = { locale: language };
  const amounts = operators.find((one) => one.id === order.operator)?.amounts;
  const presets = amounts?.presets ?? [];
  const read = await readPrices(order.id, { amounts: presets, currency: choice.currency }, visitor);
  const lines = read.kind === 'read' ? read.value : [];
  const tenge = (amount: string): string => formatMoneyIn({ currency: 'KZT', amount }, language);
  return {
    operator: operatorName(operators, order.operator, language),
    operators: operators.map(({ id }) => ({ id, name: operatorName(operators, id, language) })),
    currencies: offered.currencies
      .filter((one) => one.available)
      .map(({ currency }) => ({ currency, name: currencyName(currency, language) })),
    presets: presets.map((preset) => ({
      value: preset,
      amount: tenge(preset),
      price: priceText(
        lines.filter((line) => line.amount === preset),
        language,
      ),
    })),
    otherHint: amounts && m.pay_amount_other_hint({ min: tenge(amounts.min), max: tenge(amounts.max) }, locale),
    methods: offered.methods.map(({ id, currencies }) => ({
      ...methodNames(id, language),
      id,
      charges: currencies.includes(choice.currency) ? undefined : chargesText(lines, id, page),
    })),
  };
}

export type AmountView = Awaited<ReturnType<typeof showAmounts>>;

/** What a preset costs; where it depends on the way to pay, the least. */
function priceText(lines: readonly PriceLine[], language: Language): string | undefined {
  const prices = lines.map((line) => line.price);
  const [least, ...dearer] = prices.toSorted((a, b) => Number(a.amount) - Number(b.amount));
  if (!least) return undefined;
  const price = formatMoneyIn(least, language);
  const differs = dearer.some((one) => one.amount !== least.amount);
  return differs ? m.pay_price_from({ price }, { locale: language }) : price;
}

function chargesText(lines: readonly PriceLine[], method: string, { offered, choice, language }: Page): string {
  const line = lines.find((one) => one.method === method);
  const [first = ''] = offered.methods.find((one) => one.id === method)?.currencies ?? [];
  const currency = line?.charge.currency ?? first;
  return m.pay_method_charges({ currency, asked: choice.currency }, { locale: language });
}
