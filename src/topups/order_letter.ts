import * as m from '../../messages/compiled/messages.js';
import { limits } from '../base/limits.ts';
import { isCurrency } from '../base/money.ts';
import { formatDate, formatMoment, formatMoney, formatPrice, type Language } from '../i18n/index.ts';
import type { Amount, OrderView } from './order_view.ts';

/** Something the payer wants to hear of. `key` names this news: what was told under it is not told again. */
export type News = { readonly key: string; readonly headline: string; readonly lines: readonly string[] };

type Told = {
  readonly order: OrderView;
  /** Its name in the language of the letter. */
  readonly operator: string;
  readonly language: Language;
  readonly now: Date;
};

/** The news of an order as it stands; undefined while it is on its way and all is well. */
export function newsOf(told: Told): News | undefined {
  const { order, operator, language, now } = told;
  const locale = { locale: language };
  const key = `${order.state} ${order.stateSince}`;
  switch (order.state) {
    case 'delivered': {
      const amount = formatMoney(order.amount ?? '0', language);
      const time = formatMoment(new Date(order.stateSince), language);
      return {
        key,
        headline: m.order_delivered({ amount }, locale),
        lines: [m.order_delivered_text({ operator, time }, locale)],
      };
    }
    case 'unknown':
      if (now < worthTellingAt(order)) return undefined;
      return { key, headline: m.order_unknown({ operator }, locale), lines: [m.order_unknown_text({}, locale)] };
    case 'refused': {
      const until = order.delivery?.correctUntil;
      const auto = until && m.order_refused_auto({ time: formatMoment(new Date(until), language) }, locale);
      const lines = [m.order_refused_text({}, locale), m.mail_correct({}, locale), ...(auto ? [auto] : [])];
      return { key, headline: m.order_refused({ operator }, locale), lines };
    }
    case 'refunding':
    case 'refunded':
      return refundNews(order, language);
    case 'case':
      return { key, headline: m.order_case({}, locale), lines: [m.mail_case({}, locale)] };
    default:
      return undefined;
  }
}

/** Most outcomes that are not known at once are known a little later. */
export function worthTellingAt({ stateSince }: Pick<OrderView, 'stateSince'>): Date {
  return new Date(new Date(stateSince).getTime() + limits.unknownToldMs);
}

/** Told once, when it has begun: its document says by when the money is there. */
function refundNews({ refunds }: OrderView, language: Language): News | undefined {
  const refund = refunds.at(-1);
  if (!refund) return undefined;
  const locale = { locale: language };
  const day = formatDate(refund.promisedBy, language);
  return {
    key: `refund ${refund.no}`,
    headline: m.order_refunding({ amount: priceOf(refund.amount, language) }, locale),
    lines: [m.order_refunding_text({ day }, locale)],
  };
}

function priceOf({ currency, amount }: Amount, language: Language): string {
  return isCurrency(currency) ? formatPrice({ currency, amount }, language) : `${amount} ${currency}`;
}

/** The whole letter: what happened, the order's own number and page, and why this reader gets it. */
export function letterText(
  { headline, lines }: News,
  order: Pick<OrderView, 'id' | 'reference'>,
  { siteUrl, language }: { siteUrl: string; language: Language },
): string {
  const locale = { locale: language };
  return [
    headline,
    lines.join('\n'),
    m.mail_order({ reference: order.reference, url: `${siteUrl}/${language}/orders/${order.id}` }, locale),
    m.mail_why({}, locale),
  ].join('\n\n');
}
