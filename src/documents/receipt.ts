import * as m from '../../messages/compiled/messages.js';
import { assert } from '../base/assert.ts';
import { formatAmount } from '../base/money.ts';
import type { Names } from '../catalogue/index.ts';
import { formatDate, formatMoment, formatMoney, formatPrice, formatRate, type Language } from '../i18n/index.ts';
import type { Money, ProviderId } from '../payments/index.ts';
import { bankName } from '../rates/index.ts';

/** Who sells, as the operator of this platform has set it: a name, and lines with address, business number, phone, mail. */
export type Seller = { readonly name: string; readonly contact: readonly string[] };

/** Evidence for one foreign currency: tenge for one unit as decimal text, the day it is set for, and by whom. */
export type ReceiptRate = {
  readonly currency: Money['currency'];
  readonly rate: string;
  readonly day: string;
  readonly source: string;
};

type Common = {
  /** Of this document, in groups of four; of a refund, what `refundReference` makes. */
  readonly reference: string;
  readonly issuedAt: Date;
  /** The payer's. */
  readonly language: Language;
  readonly seller: Seller;
  readonly operator: Names;
  /** `+7 701 ••• 45 67`; a full number is on no document. */
  readonly maskedNumber: string;
  readonly payment: {
    readonly provider: ProviderId;
    /** The provider's name for the money. */
    readonly reference: string;
    readonly paidAt: Date;
    readonly paid: Money;
    /** What the payer's bank shows, where the provider says so. */
    readonly statementName?: string;
  };
};

export type PaymentReceipt = Common & {
  readonly kind: 'payment';
  /** What the phone gets. */
  readonly faceMinor: bigint;
  readonly feeMinor: bigint;
  readonly marginMinor: bigint;
  /** Of the currency that was paid, and of that of the price. Empty where both are tenge. */
  readonly rates: readonly ReceiptRate[];
  /** What the payer chose, where the method charged another currency. */
  readonly price?: Money;
  readonly delivery:
    | { readonly state: 'delivered'; readonly at: Date; readonly operatorReference?: string }
    | { readonly state: 'under_way' }
    | { readonly state: 'refused'; readonly at: Date };
};

export type RefundReason = 'refused' | 'unsent' | 'payer' | 'late' | 'duplicate' | 'elsewhere' | 'decision';

export type RefundReceipt = Common & {
  readonly kind: 'refund';
  /** Of the receipt whose money this gives back. */
  readonly receiptReference: string;
  readonly amount: Money;
  /** Given back of the same payment by earlier documents, in its currency. */
  readonly refundedBeforeMinor: bigint;
  readonly reason: RefundReason;
  readonly state: { readonly name: 'under_way' | 'failed' } | { readonly name: 'done'; readonly at: Date };
  /** The working day by which the payer has it, `2026-12-04`. */
  readonly promisedBy: string;
};

export type ReceiptData = PaymentReceipt | RefundReceipt;

/** The number of a refund document: that of the order it belongs to, and which of its refunds it is. */
export function refundReference(order: { readonly reference: string }, no: number): string {
  return `${order.reference}-R${no}`;
}

export type ReceiptSection = 'document' | 'refund' | 'topup' | 'amounts' | 'payment';

export type ReceiptRow = {
  /** Stable, for programs: `paid`, `phone_gets`. */
  readonly name: string;
  readonly section: ReceiptSection;
  readonly label: string;
  readonly value: string;
  /** `words` read differently in each language, `code` is the same in all; amounts of `sum` add up to the `total` after them. */
  readonly kind: 'words' | 'code' | 'sum' | 'total';
};

/** Everything a document says, in its order: the PDF, the page and the command print these rows and no other words. */
export type ReceiptText = {
  readonly title: string;
  /** On a document of the sandbox: it is worth nothing. */
  readonly warning: string | undefined;
  readonly sections: Readonly<Partial<Record<ReceiptSection, string>>>;
  readonly rows: readonly ReceiptRow[];
  readonly notes: readonly string[];
};

/** The document in one language. A document whose amounts do not add up is never made. */
export function receiptText(data: ReceiptData, language: Language): ReceiptText {
  assert(/^\+7 \d{3} ••• \d{2} \d{2}$/.test(data.maskedNumber), 'a document shows a masked number');
  const said = { locale: language };
  const isRefund = data.kind === 'refund';
  return {
    title: isRefund ? m.receipt_title_refund({}, said) : m.receipt_title_payment({}, said),
    warning: data.payment.provider === 'sandbox' ? m.receipt_note_test({}, said) : undefined,
    sections: sectionTitles(language),
    rows: isRefund ? refundRows(data, language) : paymentRows(data, language),
    notes: [
      m.receipt_note_keep({}, said),
      m.receipt_note_clock({}, said),
      isRefund ? m.receipt_note_refund({}, said) : m.receipt_note_fiscal({}, said),
    ],
  };
}

function sectionTitles(language: Language): ReceiptText['sections'] {
  const said = { locale: language };
  return {
    refund: m.receipt_section_refund({}, said),
    topup: m.receipt_section_topup({}, said),
    amounts: m.receipt_section_amounts({}, said),
    payment: m.receipt_section_payment({}, said),
  };
}

type Pair = readonly [name: string, label: string, value: string, kind: ReceiptRow['kind']];

const inSection = (section: ReceiptSection, pairs: readonly Pair[]): ReceiptRow[] =>
  pairs.map(([name, label, value, kind]) => ({ name, section, label, value, kind }));

function paymentRows(data: PaymentReceipt, language: Language): ReceiptRow[] {
  const said = { locale: language };
  const { delivery, operator } = data;
  const reference: Pair = ['reference', m.receipt_reference({}, said), data.reference, 'code'];
  const topup: Pair[] = [
    ['number', m.receipt_number({}, said), data.maskedNumber, 'code'],
    ['operator', m.receipt_operator({}, said), operator[language], 'words'],
    deliveryPair(delivery, language),
  ];
  if (delivery.state === 'delivered' && delivery.operatorReference !== undefined) {
    topup.push(['operator_reference', m.receipt_operator_reference({}, said), delivery.operatorReference, 'code']);
  }
  return [
    ...inSection('document', [reference, ...documentPairs(data, language)]),
    ...inSection('topup', topup),
    ...inSection('amounts', amountPairs(data, language)),
    ...inSection('payment', paymentPairs(data, language)),
  ];
}

function documentPairs({ issuedAt, seller }: ReceiptData, language: Language): Pair[] {
  const said = { locale: language };
  const issued: Pair = ['issued', m.receipt_issued({}, said), formatMoment(issuedAt, language), 'words'];
  const name: Pair = ['seller', m.receipt_seller({}, said), seller.name, 'code'];
  if (seller.contact.length === 0) return [issued, name];
  return [issued, name, ['contact', m.receipt_contact({}, said), seller.contact.join('\n'), 'code']];
}

function deliveryPair(delivery: PaymentReceipt['delivery'], language: Language): Pair {
  const said = { locale: language };
  switch (delivery.state) {
    case 'delivered':
      return ['delivery', m.receipt_delivered({}, said), formatMoment(delivery.at, language), 'words'];
    case 'under_way':
      return ['delivery', m.receipt_delivery({}, said), m.receipt_delivery_under_way({}, said), 'words'];
    case 'refused':
      return ['delivery', m.receipt_delivery_refused({}, said), formatMoment(delivery.at, language), 'words'];
  }
}

function amountPairs(data: PaymentReceipt, language: Language): Pair[] {
  const said = { locale: language };
  const { faceMinor, feeMinor, marginMinor, rates, price } = data;
  const { paid } = data.payment;
  const total = faceMinor + feeMinor + marginMinor;
  assert(worthOf(paid, rates) === total, 'what was paid is worth what it was paid for');
  const pairs: Pair[] = [
    ['phone_gets', m.receipt_phone_gets({}, said), tenge(faceMinor, language), 'sum'],
    ['fee', m.receipt_fee({}, said), tenge(feeMinor, language), 'sum'],
  ];
  if (paid.currency !== 'KZT') {
    pairs.push(
      ['margin', m.receipt_margin({}, said), tenge(marginMinor, language), 'sum'],
      ['total', m.receipt_total({}, said), tenge(total, language), 'total'],
    );
  }
  return [
    ...pairs,
    ...inOrder(rates, paid).flatMap((rate) => ratePairs(rate, language)),
    ...pricePairs(price, language),
    ['paid', m.receipt_paid({}, said), money(paid, language), 'total'],
  ];
}

function pricePairs(price: Money | undefined, language: Language): Pair[] {
  return price ? [['price', m.receipt_price({}, { locale: language }), money(price, language), 'code']] : [];
}

const MICRO = 1_000_000n;
const RATE_DECIMALS = 6;

/** First the rate at which what was paid is worth the total above it. */
function inOrder(rates: readonly ReceiptRate[], paid: Money): readonly ReceiptRate[] {
  return rates.toSorted((a, b) => Number(b.currency === paid.currency) - Number(a.currency === paid.currency));
}

/** In tiyn at the rate of its currency, rounded as prices are (src/topups/quote.ts): the fraction of a tiyn is nobody's. */
function worthOf(paid: Money, rates: readonly ReceiptRate[]): bigint {
  if (paid.currency === 'KZT') return paid.amountMinor;
  const rate = rates.find(({ currency }) => currency === paid.currency);
  assert(rate !== undefined, 'money other than tenge was taken at a rate');
  const [whole = '', fraction = ''] = rate.rate.split('.');
  return (paid.amountMinor * BigInt(whole + fraction.padEnd(RATE_DECIMALS, '0'))) / MICRO;
}

function paymentPairs({ payment }: ReceiptData, language: Language): Pair[] {
  const said = { locale: language };
  const pairs: Pair[] = [
    ['method', m.receipt_method({}, said), methodText(payment.provider, language), 'words'],
    ['paid_at', m.receipt_paid_at({}, said), formatMoment(payment.paidAt, language), 'words'],
    ['payment_reference', m.receipt_provider_reference({}, said), payment.reference, 'code'],
  ];
  if (payment.statementName !== undefined) {
    pairs.push(['statement', m.receipt_statement({}, said), payment.statementName, 'code']);
  }
  return pairs;
}

function methodText(provider: ProviderId, language: Language): string {
  switch (provider) {
    case 'stripe':
      return m.receipt_method_stripe({}, { locale: language });
    case 'paypal':
      return m.receipt_method_paypal({}, { locale: language });
    case 'sandbox':
      return m.receipt_method_sandbox({}, { locale: language });
  }
}

function refundRows(data: RefundReceipt, language: Language): ReceiptRow[] {
  const said = { locale: language };
  const document: Pair[] = [
    ['reference', m.receipt_refund_reference({}, said), data.reference, 'code'],
    ...documentPairs(data, language),
  ];
  const refund: Pair[] = [
    ['receipt', m.receipt_first({}, said), data.receiptReference, 'code'],
    ['reason', m.receipt_refund_reason({}, said), reasonText(data.reason, language), 'words'],
    statePair(data.state, language),
    ['promised_by', m.receipt_promised({}, said), formatDate(data.promisedBy, language), 'words'],
  ];
  const topup: Pair[] = [
    ['number', m.receipt_number({}, said), data.maskedNumber, 'code'],
    ['operator', m.receipt_operator({}, said), data.operator[language], 'words'],
  ];
  return [
    ...inSection('document', document),
    ...inSection('refund', refund),
    ...inSection('amounts', refundAmountPairs(data, language)),
    ...inSection('payment', paymentPairs(data, language)),
    ...inSection('topup', topup),
  ];
}

/** What went back, earlier and now, and what did not, are what was paid. */
function refundAmountPairs(data: RefundReceipt, language: Language): Pair[] {
  const said = { locale: language };
  const { amount, refundedBeforeMinor: before, payment } = data;
  const { currency, amountMinor: paid } = payment.paid;
  const left = paid - before - amount.amountMinor;
  assert(amount.currency === currency && before >= 0n && left >= 0n, 'a refund gives back part of what was paid');
  const shown = (amountMinor: bigint): string => money({ currency, amountMinor }, language);
  const pairs: Pair[] = [];
  if (before > 0n) pairs.push(['refunded_before', m.receipt_refunded_before({}, said), shown(before), 'sum']);
  pairs.push(['refunded', m.receipt_refund_amount({}, said), shown(amount.amountMinor), 'sum']);
  if (left > 0n) pairs.push(['left', m.receipt_left({}, said), shown(left), 'sum']);
  return [...pairs, ['paid', m.receipt_paid({}, said), shown(paid), 'total']];
}

const reasons: Readonly<Record<RefundReason, (inputs: object, said: { locale: Language }) => string>> = {
  refused: m.receipt_refund_reason_refused,
  unsent: m.receipt_refund_reason_unsent,
  payer: m.receipt_refund_reason_payer,
  late: m.receipt_refund_reason_late,
  duplicate: m.receipt_refund_reason_duplicate,
  elsewhere: m.receipt_refund_reason_elsewhere,
  decision: m.receipt_refund_reason_decision,
};

function reasonText(reason: RefundReason, language: Language): string {
  return reasons[reason]({}, { locale: language });
}

function statePair(state: RefundReceipt['state'], language: Language): Pair {
  const said = { locale: language };
  switch (state.name) {
    case 'under_way':
      return ['state', m.receipt_refund_state({}, said), m.receipt_refund_state_under_way({}, said), 'words'];
    case 'done':
      return ['state', m.receipt_refund_sent({}, said), formatMoment(state.at, language), 'words'];
    case 'failed':
      return ['state', m.receipt_refund_state({}, said), m.receipt_refund_state_failed({}, said), 'words'];
  }
}

function ratePairs({ currency, rate, source, day }: ReceiptRate, language: Language): Pair[] {
  const said = { locale: language };
  const name = source === bankName ? m.pay_rate_bank({}, said) : source;
  return [
    ['rate', m.receipt_rate({}, said), `1 ${currency} = ${formatRate(rate, language)}`, 'code'],
    ['rate_source', m.receipt_rate_source({}, said), `${name}, ${formatDate(day, language)}`, 'words'],
  ];
}

const tenge = (minor: bigint, language: Language): string => formatMoney(formatAmount(minor, 'KZT'), language);

const money = ({ currency, amountMinor }: Money, language: Language): string =>
  formatPrice({ currency, amount: formatAmount(amountMinor, currency) }, language);
