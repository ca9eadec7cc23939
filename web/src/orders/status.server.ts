import { m } from '../../../messages/compiled/messages.js';
import type { Operator } from '../api.server.ts';
import { formatInstant, formatMoneyIn, formatTime, formatWeekday } from '../format.ts';
import type { Language } from '../language.ts';
import { limits } from '../limits.ts';
import type { Order } from './api.server.ts';
import { contactFacts } from './email.server.ts';
import type { Fact } from './fact.ts';
import { methodNames } from './methods.server.ts';
import { operatorName } from './operators.ts';
import type { StatusView, Step } from './view.ts';

export type Shown = {
  readonly order: Order;
  readonly operators: readonly Operator[];
  readonly language: Language;
  readonly now: Date;
};

/** An order as its page tells it: where it stands, what comes next and when, and what the payer can do. */
export function showStatus(shown: Shown): StatusView {
  const { order, language, now } = shown;
  return {
    stamp: `${order.state} ${order.stateSince} ${order.payment?.state ?? ''} ${order.delivery?.nextTryAt ?? ''}`,
    ...newsOf(shown),
    steps: stepsOf(order, language),
    facts: factsOf(shown),
    payUrl: payUrlOf(order),
    // Money that is on its way cannot be called back by changing the order.
    canRevise: order.state === 'awaiting_payment' && order.can.revise && order.payment?.state !== 'pending',
    canRetry: order.state === 'expired' && order.can.revise,
    correct: order.state === 'refused' && order.can.correct ? { operator: order.operator } : undefined,
    refund: refundOf(shown),
    hasReceipt: isPaid(order),
    isFinal: order.isFinal,
    lost: m.order_lost({ time: clock(now.toISOString(), language) }, { locale: language }),
  };
}

/**
 * How long a page without script waits before it looks for news: the newer the state, the shorter. Undefined where there will be none. While a number
 * can be corrected it waits for the end of that, because a page that loads itself takes away what is being typed.
 */
export function refreshSecondsOf(
  { isFinal, stateSince, delivery }: Pick<Order, 'isFinal' | 'stateSince' | 'delivery'>,
  now: Date,
): number | undefined {
  if (isFinal) return undefined;
  const secondsTo = (iso: string): number => Math.ceil((new Date(iso).getTime() - now.getTime()) / 1000);
  if (delivery?.correctUntil) return Math.max(secondsTo(delivery.correctUntil), limits.statusRefreshSecondsMax);
  const ageSeconds = -secondsTo(stateSince);
  return limits.statusRefreshes.find(({ until }) => ageSeconds < until)?.seconds ?? limits.statusRefreshSecondsMax;
}

/** The customer's money has been with us. */
export function isPaid({ state }: Pick<Order, 'state'>): boolean {
  return !['draft', 'quoted', 'awaiting_payment', 'expired'].includes(state);
}

function payUrlOf({ state, payment }: Order): string | undefined {
  const url = payment?.url ?? '';
  const isOpen = state === 'awaiting_payment' && (payment?.state === 'open' || payment?.state === 'approved');
  return isOpen && /^https?:\/\//.test(url) ? url : undefined;
}

type News = Pick<StatusView, 'tone' | 'headline' | 'lines'>;

function newsOf(shown: Shown): News {
  const { order, language, operators } = shown;
  const locale = { locale: language };
  const operator = operatorName(operators, order.operator, language);
  switch (order.state) {
    case 'draft':
    case 'quoted':
    case 'awaiting_payment':
      return waitingNews(shown);
    case 'expired':
      return { tone: 'ended', headline: m.order_expired({}, locale), lines: [m.order_expired_text({}, locale)] };
    case 'paid':
    case 'sending':
      return sendingNews(shown, operator);
    case 'unknown':
      return unknownNews(shown, operator);
    case 'delivered': {
      const time = formatInstant(order.stateSince, language);
      return {
        tone: 'good',
        headline: m.order_delivered({ amount: faceOf(order, language) }, locale),
        lines: [m.order_delivered_text({ operator, time }, locale)],
      };
    }
    case 'refused':
      return refusedNews(shown, operator);
    case 'refunding':
    case 'refunded':
      return refundNews(order, language);
    case 'case':
      return caseNews(order, language);
  }
}

function waitingNews({ order, language }: Shown): News {
  const locale = { locale: language };
  if (order.payment?.state === 'pending')
    return { tone: 'wait', headline: m.order_pending({}, locale), lines: [m.order_pending_text({}, locale)] };
  if (order.payment?.state === 'refused')
    return { tone: 'wrong', headline: m.order_declined({}, locale), lines: [m.order_declined_text({}, locale)] };
  const amount = order.quote ? formatMoneyIn(order.quote.charge, language) : '';
  const until = order.deadlineAt ?? order.quote?.expiresAt;
  const text = until
    ? m.order_waiting_text({ amount, time: clock(until, language) }, locale)
    : m.order_waiting_plain({ amount }, locale);
  return { tone: 'wait', headline: m.order_waiting({}, locale), lines: [text] };
}

function sendingNews({ order, language }: Shown, operator: string): News {
  const locale = { locale: language };
  const { delivery, deadlineAt, state } = order;
  // Tried and not even sent: the operator is down.
  if (state === 'paid' && delivery?.nextTryAt && deadlineAt) {
    return {
      tone: 'wait',
      headline: m.order_unsent({ operator }, locale),
      lines: [
        m.order_unsent_text({ deadline: clock(deadlineAt, language) }, locale),
        m.order_next_update({ time: clock(delivery.nextTryAt, language) }, locale),
      ],
    };
  }
  return { tone: 'wait', headline: m.order_paid({ operator }, locale), lines: [m.order_sending_text({}, locale)] };
}

function unknownNews({ order, language }: Shown, operator: string): News {
  const locale = { locale: language };
  const next = order.delivery?.nextTryAt;
  return {
    tone: 'wait',
    headline: m.order_unknown({ operator }, locale),
    lines: [
      m.order_unknown_text({}, locale),
      ...(next ? [m.order_next_update({ time: clock(next, language) }, locale)] : []),
      ...(order.deadlineAt ? [m.order_takeover({ time: formatInstant(order.deadlineAt, language) }, locale)] : []),
    ],
  };
}

function refusedNews({ order, language }: Shown, operator: string): News {
  const locale = { locale: language };
  const until = order.delivery?.correctUntil;
  return {
    tone: 'wrong',
    headline: m.order_refused({ operator }, locale),
    lines: [
      reasonText(order.delivery?.reason ?? '', language),
      m.order_refused_text({}, locale),
      ...(until ? [m.order_refused_auto({ time: clock(until, language) }, locale)] : []),
    ],
  };
}

function reasonText(reason: string, language: Language): string {
  const locale = { locale: language };
  switch (reason) {
    case 'number.invalid':
      return m.order_reason_number_invalid({}, locale);
    case 'number.not_this_operator':
      return m.order_reason_not_this_operator({}, locale);
    case 'number.barred':
      return m.order_reason_barred({}, locale);
    case 'amount.not_allowed':
      return m.order_reason_amount({}, locale);
    case 'operator.unavailable':
      return m.order_reason_unavailable({}, locale);
    default:
      return m.order_reason_declined({}, locale);
  }
}

function refundNews(order: Order, language: Language): News {
  const locale = { locale: language };
  const refund = order.refunds.at(-1);
  const amount = refundedAmount(order, language);
  const day = refund ? formatWeekday(refund.promisedBy, language) : '';
  const why = whyRefunded(order, language);
  if (order.state === 'refunded') {
    const lines = refund ? [m.order_refunded_text({ day }, locale)] : [];
    return { tone: 'ended', headline: m.order_refunded({ amount }, locale), lines: [...why, ...lines] };
  }
  const lines = refund ? [m.order_refunding_text({ day }, locale)] : [];
  return { tone: 'wait', headline: m.order_refunding({ amount }, locale), lines: [...why, ...lines] };
}

function whyRefunded({ refunds, delivery }: Order, language: Language): string[] {
  const locale = { locale: language };
  switch (refunds.at(-1)?.reason) {
    case 'payer.asked':
      return [m.order_why_asked({}, locale)];
    case 'payment.late':
      return [m.order_why_late({}, locale)];
    case 'operator.unavailable':
      return [m.order_reason_unavailable({}, locale)];
    default:
      return delivery?.reason ? [reasonText(delivery.reason, language)] : [];
  }
}

/** Of the latest refund; before its document is there, of what was charged. */
function refundedAmount({ refunds, quote }: Order, language: Language): string {
  const money = refunds.at(-1)?.amount ?? quote?.charge;
  return money ? formatMoneyIn(money, language) : '';
}

function caseNews(order: Order, language: Language): News {
  const locale = { locale: language };
  const since = formatInstant(order.case?.since ?? order.stateSince, language);
  return {
    tone: 'wait',
    headline: m.order_case({}, locale),
    lines: [
      caseText(order.case?.reason ?? '', language),
      m.order_case_text({}, locale),
      m.order_case_since({ time: since }, locale),
    ],
  };
}

function caseText(reason: string, language: Language): string {
  const locale = { locale: language };
  switch (reason) {
    case 'delivery.unknown':
      return m.order_case_unknown({}, locale);
    case 'payment.mismatch':
      return m.order_case_payment({}, locale);
    case 'refund.refused':
      return m.order_case_refund({}, locale);
    default:
      return m.order_case_other({}, locale);
  }
}

function clock(iso: string, language: Language): string {
  return m.time_astana({ time: formatTime(iso, language) }, { locale: language });
}

function faceOf({ amount, currency }: Order, language: Language): string {
  return amount === null ? '' : formatMoneyIn({ currency, amount }, language);
}

const reached: Partial<Record<Order['state'], number>> = { paid: 1, sending: 2, unknown: 2, delivered: 3 };

/** The road of an order that goes well; none where it has left it. */
function stepsOf({ state }: Order, language: Language): Step[] {
  const locale = { locale: language };
  const done = reached[state];
  if (done === undefined) return [];
  const names = [m.order_step_paid({}, locale), m.order_step_sent({}, locale), m.order_step_delivered({}, locale)];
  return names.map((name, no) => ({ name, state: no < done ? 'done' : no === done ? 'now' : 'todo' }));
}

/** What the order is about. */
function factsOf({ order, operators, language }: Shown): Fact[] {
  const locale = { locale: language };
  const { quote, delivery } = order;
  const paid = isPaid(order) ? m.order_charged({}, locale) : m.order_to_pay({}, locale);
  return [
    { term: m.order_reference({}, locale), value: order.reference, isCode: true },
    { term: m.order_number({}, locale), value: order.number.masked },
    { term: m.order_operator({}, locale), value: operatorName(operators, order.operator, language) },
    ...(order.amount === null ? [] : [{ term: m.order_amount({}, locale), value: faceOf(order, language) }]),
    ...(quote
      ? [
          { term: paid, value: formatMoneyIn(quote.charge, language) },
          { term: m.order_method({}, locale), value: methodNames(quote.method, language).name },
        ]
      : []),
    ...(delivery?.operatorReference
      ? [
          {
            term: m.order_operator_reference({}, locale),
            value: delivery.operatorReference,
            isCode: true as const,
          },
        ]
      : []),
    { term: m.order_placed({}, locale), value: formatInstant(order.createdAt, language) },
    ...contactFacts(order, language),
    ...order.refunds.map((refund) => ({
      term: m.receipt_section_refund({}, locale),
      value: formatMoneyIn(refund.amount, language),
      note: m.order_refund_by({ day: formatWeekday(refund.promisedBy, language) }, locale),
    })),
  ];
}

/** Offered to whoever has reason to think of it; while all goes well, in the seconds before it is sent, it would only startle. */
function refundOf({ order, language, now }: Shown): StatusView['refund'] {
  if (!order.can.refund || !order.quote) return undefined;
  const isLate = now.getTime() - new Date(order.stateSince).getTime() > limits.refundOfferedMs;
  if (order.state === 'paid' && !order.delivery?.nextTryAt && !isLate) return undefined;
  const amount = formatMoneyIn(order.quote.charge, language);
  const locale = { locale: language };
  return { text: m.order_refund_text({ amount }, locale), button: m.order_refund_go({ amount }, locale) };
}
