import { m } from '../../../messages/compiled/messages.js';
import { formatAmount, formatInstant } from '../format.ts';
import type { Language } from '../language.ts';
import type { Fact } from '../orders/fact.ts';
import { errorTitle } from '../words.server.ts';
import type { Done } from './done.server.ts';

export function redeemWords(language: Language) {
  const locale = { locale: language };
  const title = m.redeem_title({}, locale);
  return {
    title,
    errorTitle: errorTitle(title, language),
    about: m.redeem_about({}, locale),
    number: m.redeem_number({}, locale),
    numberHint: m.pay_number_hint({}, locale),
    code: m.redeem_code({}, locale),
    codeHint: m.redeem_code_hint({}, locale),
    filled: m.redeem_filled({}, locale),
    go: m.redeem_go({}, locale),
    safe: m.redeem_safe({}, locale),
    offline: m.redeem_offline({}, locale),
  };
}

export type RedeemWords = ReturnType<typeof redeemWords>;

/** What became of a card, ready to read. */
export function showDone(done: Done, language: Language) {
  const locale = { locale: language };
  const amount = formatAmount(done.value, language);
  const facts: Fact[] = [
    { term: m.redeem_number_done({}, locale), value: `••• ${done.tail.slice(0, 2)} ${done.tail.slice(2)}` },
    { term: m.redeem_value({}, locale), value: amount },
    {
      term: m.redeem_balance({}, locale),
      value: formatAmount({ unit: done.balance.currency, amount: done.balance.amount }, language),
      isMain: true,
    },
    { term: m.order_reference({}, locale), value: done.reference, isCode: true },
    { term: m.redeem_serial({}, locale), value: done.serial, isCode: true },
    { term: m.redeem_time({}, locale), value: formatInstant(done.at, language) },
  ];
  return {
    headline: done.isRepeat ? m.redeem_already({}, locale) : m.redeem_done({ amount }, locale),
    lines: done.isRepeat ? [m.redeem_already_text({}, locale)] : [],
    facts,
    another: m.redeem_another({}, locale),
  };
}
