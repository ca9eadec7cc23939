import type { Names } from '../catalogue/index.ts';
import type { Language } from '../i18n/index.ts';
import type { Payment, Refund } from '../payments/index.ts';
import type { OrderFile } from '../topups/index.ts';
import { type PaymentReceipt, type ReceiptData, type RefundReason, refundReference, type Seller } from './receipt.ts';

/** What a document needs beside the order itself. */
export type Issuing = { readonly seller: Seller; readonly operator: Names };

/** `payment`, or `refund-1`: which of an order's documents. */
export type DocumentName = 'payment' | `refund-${number}`;

/** The documents of an order in the order in which they came about; none before it is paid. */
export function documentsOf(file: OrderFile): DocumentName[] {
  const paid = fundingOf(file) ? (['payment'] as const) : [];
  return [...paid, ...file.refunds.map(({ no }): DocumentName => `refund-${no}`)];
}

/** One of an order's documents, or undefined where it has no such one. The number on it is masked already. */
export function receiptOf(file: OrderFile, name: string, issuing: Issuing): ReceiptData | undefined {
  if (name === 'payment') return paymentReceipt(file, issuing);
  const refund = file.refunds.find(({ no }) => name === `refund-${no}`);
  return refund && refundReceipt(file, refund, issuing);
}

/** The payment that paid the order. */
function fundingOf({ view, payments }: OrderFile): Payment | undefined {
  return payments.find(({ no, state }) => no === view.payment?.no && state === 'captured');
}

function paymentReceipt(file: OrderFile, issuing: Issuing): PaymentReceipt | undefined {
  const payment = fundingOf(file);
  const { quote, amount } = file.view;
  if (!payment || !quote || amount === null) return undefined;
  const minor = (text: string): bigint => BigInt(text.replace('.', ''));
  const price = { currency: quote.price.currency as Payment['currency'], amountMinor: minor(quote.price.amount) };
  return {
    kind: 'payment',
    ...commonOf(file, payment, issuing),
    reference: file.view.reference,
    issuedAt: payment.capturedAt ?? payment.openedAt,
    faceMinor: minor(amount),
    feeMinor: minor(quote.fee.amount),
    marginMinor: minor(quote.margin.amount),
    rates: quote.rates,
    ...(price.currency === payment.currency ? {} : { price }),
    delivery: deliveryOf(file),
  };
}

function deliveryOf({ deliveries, view }: OrderFile): PaymentReceipt['delivery'] {
  const last = deliveries.at(-1);
  if (view.state === 'delivered' && last?.endedAt) {
    const { operatorReference, route } = last;
    // Here the operator's reference is our own event.
    const told = operatorReference !== undefined && route !== 'hosted' ? { operatorReference } : {};
    return { state: 'delivered', at: last.endedAt, ...told };
  }
  const isOver = view.state === 'refunding' || view.state === 'refunded';
  return isOver && last?.endedAt ? { state: 'refused', at: last.endedAt } : { state: 'under_way' };
}

function refundReceipt(file: OrderFile, refund: Refund, issuing: Issuing): ReceiptData | undefined {
  const payment = file.payments.find(({ no }) => no === refund.payment);
  if (!payment) return undefined;
  const earlier = file.refunds.filter(
    (one) => one.payment === refund.payment && one.no < refund.no && one.state !== 'failed',
  );
  return {
    kind: 'refund',
    ...commonOf(file, payment, issuing),
    reference: refundReference(file.view, refund.no),
    receiptReference: file.view.reference,
    issuedAt: refund.createdAt,
    amount: { currency: refund.currency, amountMinor: refund.amountMinor },
    refundedBeforeMinor: earlier.reduce((sum, one) => sum + one.amountMinor, 0n),
    reason: reasonOf(file.view.refunds.find(({ no }) => no === refund.no)?.reason ?? ''),
    state: stateOf(refund),
    promisedBy: refund.promisedBy,
  };
}

function stateOf({ state, endedAt }: Refund): { name: 'under_way' | 'failed' } | { name: 'done'; at: Date } {
  if (state === 'done' && endedAt) return { name: 'done', at: endedAt };
  return { name: state === 'failed' ? 'failed' : 'under_way' };
}

const reasons: ReadonlyMap<string, RefundReason> = new Map([
  ['payer.asked', 'payer'],
  ['payment.late', 'late'],
  ['payment.duplicate', 'duplicate'],
  ['operator.unavailable', 'unsent'],
  ['subscriber.erased', 'unsent'],
  ['refund.elsewhere', 'elsewhere'],
  ['staff', 'decision'],
]);

/** Everything else is an operator's no, or the end of the time for correcting it. */
function reasonOf(reason: string): RefundReason {
  return reasons.get(reason) ?? 'refused';
}

function commonOf({ view }: OrderFile, payment: Payment, { seller, operator }: Issuing) {
  const language: Language = view.language;
  // Of the method that was chosen last; an earlier payment's line is not known any more.
  const statementName = payment.provider === view.quote?.method ? view.quote.statement : null;
  return {
    language,
    seller,
    operator,
    maskedNumber: view.number.masked,
    payment: {
      provider: payment.provider,
      reference: payment.captureId ?? payment.externalId ?? '',
      paidAt: payment.capturedAt ?? payment.openedAt,
      paid: { currency: payment.currency, amountMinor: payment.amountMinor },
      ...(statementName === null ? {} : { statementName }),
    },
  };
}
