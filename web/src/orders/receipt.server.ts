import { m } from '../../../messages/compiled/messages.js';
import type { Operator } from '../api.server.ts';
import { formatMoneyIn } from '../format.ts';
import type { Language } from '../language.ts';
import type { Order } from './api.server.ts';
import type { Fact } from './fact.ts';
import { isNothing, rateFacts } from './review.server.ts';
import { factsOf, refundFacts } from './status.server.ts';

type Source = { readonly order: Order; readonly operators: readonly Operator[]; readonly language: Language };

/** What whoever checks a receipt in Kazakhstan reads, next to the payer's own language. */
const official: Language = 'ru';

export type Line = Fact & { readonly officialTerm: string | undefined };

/** The receipt of an order, and each refund as a document of its own. */
export function showReceipt(source: Source) {
  const { order, language } = source;
  const locale = { locale: language };
  return {
    title: m.order_receipt({}, locale),
    officialTitle: language === official ? undefined : m.order_receipt({}, { locale: official }),
    about: m.order_title({ reference: order.reference }, locale),
    lines: inBoth(language, (each) => [
      ...factsOf({ ...source, language: each }),
      ...priceFacts(order, each),
      stateFact(order, each),
    ]),
    text: m.order_receipt_text({}, locale),
    print: m.order_receipt_print({}, locale),
    back: m.order_receipt_back({}, locale),
    pdf: m.order_receipt_pdf({}, locale),
    refunds: order.refunds.map((refund) => ({
      no: refund.no,
      title: m.order_refund_document({ no: String(refund.no) }, locale),
      official:
        language === official ? undefined : m.order_refund_document({ no: String(refund.no) }, { locale: official }),
      pdf: m.order_refund_pdf({ no: String(refund.no) }, locale),
      lines: inBoth(language, (each) => refundFacts(refund, each)),
    })),
  };
}

/** The lines in the payer's language, each with its official name where that is another. */
function inBoth(language: Language, linesIn: (language: Language) => Fact[]): Line[] {
  const terms = linesIn(official).map((line) => line.term);
  return linesIn(language).map((line, no) => ({
    ...line,
    officialTerm: language === official ? undefined : terms[no],
  }));
}

function priceFacts({ quote }: Order, language: Language): Fact[] {
  if (!quote) return [];
  const locale = { locale: language };
  return [
    { term: m.pay_fee({}, locale), value: formatMoneyIn(quote.fee, language) },
    ...(isNothing(quote.margin.amount)
      ? []
      : [{ term: m.pay_margin({}, locale), value: formatMoneyIn(quote.margin, language) }]),
    ...rateFacts(quote.rates, language),
  ];
}

function stateFact({ state }: Order, language: Language): Fact {
  const locale = { locale: language };
  const value =
    state === 'delivered'
      ? m.order_state_delivered({}, locale)
      : state === 'refunded'
        ? m.order_state_returned({}, locale)
        : m.order_state_underway({}, locale);
  return { term: m.order_receipt_state({}, locale), value, isMain: true };
}
