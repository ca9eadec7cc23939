import { m } from '../../../messages/compiled/messages.js';
import type { Operator } from '../api.server.ts';
import { formatDay, formatInstant, formatMoneyIn, formatWeekday } from '../format.ts';
import type { Language } from '../language.ts';
import type { Order, Refund } from './api.server.ts';
import type { Fact } from './fact.ts';
import { statementLine } from './methods.server.ts';
import { operatorName } from './operators.ts';
import { isNothing, isSame, rateFacts } from './review.server.ts';

type Source = { readonly order: Order; readonly operators: readonly Operator[]; readonly language: Language };

/** What whoever checks a receipt in Kazakhstan reads, next to the payer's own language. */
const official: Language = 'ru';

/** A line with its official name, where that is another. */
export type Line = Fact & { readonly officialTerm: string | undefined };

type Section = { readonly title: string; readonly officialTitle: string | undefined; readonly lines: readonly Line[] };

/** The receipt of an order, and each refund as a document of its own; the words are those of the PDF. */
export function showReceipt(source: Source) {
  const { order, language } = source;
  const locale = { locale: language };
  return {
    title: m.receipt_title_payment({}, locale),
    officialTitle: inOfficial(language, m.receipt_title_payment),
    about: m.order_title({ reference: order.reference }, locale),
    warning: order.quote?.method === 'sandbox' ? m.receipt_note_test({}, locale) : undefined,
    sections: [
      section(language, m.receipt_section_topup, (each) => topupLines({ ...source, language: each })),
      section(language, m.receipt_section_amounts, (each) => amountLines(order, each)),
      section(language, m.receipt_section_payment, (each) => paymentLines(order, each)),
    ],
    notes: [m.receipt_note_keep({}, locale), m.receipt_note_clock({}, locale), m.receipt_note_fiscal({}, locale)],
    print: m.order_receipt_print({}, locale),
    back: m.order_receipt_back({}, locale),
    pdf: m.order_receipt_pdf({}, locale),
    refunds: order.refunds.map((refund) => ({
      no: refund.no,
      pdf: m.order_refund_pdf({ no: String(refund.no) }, locale),
      ...section(language, m.receipt_section_refund, (each) => refundLines(order, refund, each)),
      note: m.receipt_note_refund({}, locale),
    })),
  };
}

type Words = (inputs: Record<string, never>, options: { locale: Language }) => string;

function inOfficial(language: Language, words: Words): string | undefined {
  return language === official ? undefined : words({}, { locale: official });
}

function section(language: Language, title: Words, linesIn: (language: Language) => Fact[]): Section {
  const names = linesIn(official).map((line) => line.term);
  const lines = linesIn(language).map((line, no) => ({
    ...line,
    officialTerm: names[no] === line.term ? undefined : names[no],
  }));
  return { title: title({}, { locale: language }), officialTitle: inOfficial(language, title), lines };
}

function topupLines({ order, operators, language }: Source): Fact[] {
  const locale = { locale: language };
  const { delivery } = order;
  return [
    { term: m.receipt_reference({}, locale), value: order.reference, isCode: true },
    { term: m.receipt_number({}, locale), value: order.number.masked },
    { term: m.receipt_operator({}, locale), value: operatorName(operators, order.operator, language) },
    deliveryLine(order, language),
    ...(delivery?.operatorReference
      ? [
          {
            term: m.receipt_operator_reference({}, locale),
            value: delivery.operatorReference,
            isCode: true as const,
          },
        ]
      : []),
  ];
}

function deliveryLine({ state, stateSince, delivery }: Order, language: Language): Fact {
  const locale = { locale: language };
  const time = formatInstant(delivery?.endedAt ?? stateSince, language);
  if (state === 'delivered' || delivery?.state === 'delivered')
    return { term: m.receipt_delivered({}, locale), value: time };
  if (delivery?.state === 'refused') return { term: m.receipt_delivery_refused({}, locale), value: time };
  return { term: m.receipt_delivery({}, locale), value: m.receipt_delivery_under_way({}, locale) };
}

function amountLines({ quote, amount, currency }: Order, language: Language): Fact[] {
  const locale = { locale: language };
  if (!quote || amount === null) return [];
  const isTenge = quote.charge.currency === 'KZT';
  return [
    { term: m.receipt_phone_gets({}, locale), value: formatMoneyIn({ currency, amount }, language) },
    { term: m.receipt_fee({}, locale), value: formatMoneyIn(quote.fee, language) },
    ...(isTenge && isNothing(quote.margin.amount)
      ? []
      : [{ term: m.receipt_margin({}, locale), value: formatMoneyIn(quote.margin, language) }]),
    ...rateFacts(quote.rates, language),
    ...(isSame(quote) ? [] : [{ term: m.receipt_price({}, locale), value: formatMoneyIn(quote.price, language) }]),
    { term: m.receipt_paid({}, locale), value: formatMoneyIn(quote.charge, language), isMain: true },
  ];
}

function paymentLines({ quote, payment, reference }: Order, language: Language): Fact[] {
  const locale = { locale: language };
  const line = statementLine(quote?.method ?? '', reference);
  return [
    ...(quote ? [{ term: m.receipt_method({}, locale), value: methodText(quote.method, language) }] : []),
    ...(payment?.capturedAt
      ? [{ term: m.receipt_paid_at({}, locale), value: formatInstant(payment.capturedAt, language) }]
      : []),
    ...(payment?.providerReference
      ? [{ term: m.receipt_provider_reference({}, locale), value: payment.providerReference, isCode: true as const }]
      : []),
    ...(line ? [{ term: m.receipt_statement({}, locale), value: line, isCode: true as const }] : []),
  ];
}

function methodText(method: string, language: Language): string {
  const locale = { locale: language };
  switch (method) {
    case 'stripe':
      return m.receipt_method_stripe({}, locale);
    case 'paypal':
      return m.receipt_method_paypal({}, locale);
    case 'sandbox':
      return m.receipt_method_sandbox({}, locale);
    default:
      return method;
  }
}

function refundLines(order: Order, refund: Refund, language: Language): Fact[] {
  const locale = { locale: language };
  return [
    { term: m.receipt_refund_reference({}, locale), value: refund.reference, isCode: true },
    { term: m.receipt_first({}, locale), value: order.reference, isCode: true },
    { term: m.receipt_refund_reason({}, locale), value: reasonText(refund.reason, language) },
    refundState(refund, language),
    { term: m.receipt_promised({}, locale), value: formatWeekday(refund.promisedBy, language) },
    { term: m.receipt_refund_amount({}, locale), value: formatMoneyIn(refund.amount, language), isMain: true },
  ];
}

function refundState({ state, endedAt }: Refund, language: Language): Fact {
  const locale = { locale: language };
  if (state === 'done' && endedAt)
    return { term: m.receipt_refund_sent({}, locale), value: formatDay(endedAt, language) };
  const value =
    state === 'failed' ? m.receipt_refund_state_failed({}, locale) : m.receipt_refund_state_under_way({}, locale);
  return { term: m.receipt_refund_state({}, locale), value };
}

function reasonText(reason: string, language: Language): string {
  const locale = { locale: language };
  switch (reason) {
    case 'payer.asked':
      return m.receipt_refund_reason_payer({}, locale);
    case 'payment.late':
      return m.receipt_refund_reason_late({}, locale);
    case 'payment.duplicate':
      return m.receipt_refund_reason_duplicate({}, locale);
    case 'operator.unavailable':
      return m.receipt_refund_reason_unsent({}, locale);
    case 'refund.elsewhere':
      return m.receipt_refund_reason_elsewhere({}, locale);
    default:
      return /^(number|amount|float|correction)\.|^(declined|duplicate)$/.test(reason)
        ? m.receipt_refund_reason_refused({}, locale)
        : m.receipt_refund_reason_decision({}, locale);
  }
}
