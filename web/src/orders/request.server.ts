import { m } from '../../../messages/compiled/messages.js';
import type { Operator } from '../api.server.ts';
import { formatDay, formatMoneyIn } from '../format.ts';
import type { Language } from '../language.ts';
import { errorTitle } from '../words.server.ts';
import type { Link } from './api.server.ts';
import { operatorName } from './operators.ts';

export function requestWords(language: Language) {
  const locale = { locale: language };
  const title = m.request_title({}, locale);
  return {
    title,
    errorTitle: errorTitle(title, language),
    about: m.request_about({}, locale),
    number: m.request_number({}, locale),
    numberHint: m.pay_number_hint({}, locale),
    amount: m.request_amount({}, locale),
    amountHint: m.request_amount_hint({}, locale),
    make: m.request_make({}, locale),
  };
}

type Source = { readonly link: Link; readonly operators: readonly Operator[]; readonly language: Language };

/** A link as whoever opens it sees it, and as whoever has made it is told about it. */
export function showLink({ link, operators, language }: Source) {
  const locale = { locale: language };
  const day = formatDay(link.expiresAt, language);
  const wanted = link.amount;
  return {
    ready: m.request_ready({}, locale),
    readyText: m.request_ready_text({ day }, locale),
    seen: m.request_seen({}, locale),
    look: m.request_look({}, locale),
    another: m.request_another({}, locale),
    heading: m.request_heading({}, locale),
    text: m.request_text({}, locale),
    number: link.maskedNumber,
    operator: operatorName(operators, link.operator, language),
    wanted: m.request_wanted({}, locale),
    amount: wanted === null ? m.request_free({}, locale) : formatMoneyIn({ currency: 'KZT', amount: wanted }, language),
    go: m.request_go({}, locale),
    trust: m.request_trust({}, locale),
    until: m.request_until({ day }, locale),
  };
}

export type LinkView = ReturnType<typeof showLink>;
