import { m } from '../../../messages/compiled/messages.js';
import { formatList } from '../format.ts';
import type { Language } from '../language.ts';
import { errorTitle } from '../words.server.ts';

// The fixed words of the pages of an order; what depends on the order comes with it.

export function numberWords(language: Language) {
  const locale = { locale: language };
  const title = m.pay_title({}, locale);
  return {
    title,
    errorTitle: errorTitle(title, language),
    heading: m.pay_number_heading({}, locale),
    number: m.pay_number({}, locale),
    numberHint: m.pay_number_hint({}, locale),
    next: m.pay_next({}, locale),
    nextList: [
      m.pay_next_amount({}, locale),
      m.pay_next_pay({}, locale),
      m.pay_next_sent({}, locale),
      m.pay_next_refund({}, locale),
    ],
    redeem: m.pay_other_redeem({}, locale),
    request: m.pay_other_request({}, locale),
  };
}

export type NumberWords = ReturnType<typeof numberWords>;

/** What search engines show of the first page, with the operators' own names. */
export function aboutTopUp(operators: readonly string[], language: Language): string {
  return m.pay_about({ operators: formatList(operators, language) }, { locale: language });
}

export function stepWords(language: Language) {
  const locale = { locale: language };
  return {
    label: m.pay_steps({}, locale),
    names: [
      m.pay_step_number({}, locale),
      m.pay_step_amount({}, locale),
      m.pay_step_check({}, locale),
      m.pay_step_pay({}, locale),
    ],
  };
}

export function amountWords(language: Language) {
  const locale = { locale: language };
  const title = m.pay_amount_heading({}, locale);
  return {
    title,
    errorTitle: errorTitle(title, language),
    number: m.pay_number({}, locale),
    byLink: m.pay_by_link({}, locale),
    operator: m.pay_operator({}, locale),
    operatorHint: m.pay_operator_hint({}, locale),
    currency: m.pay_currency({}, locale),
    amount: m.pay_amount_legend({}, locale),
    youPay: m.pay_you_pay({}, locale),
    other: m.pay_amount_other({}, locale),
    otherField: m.pay_amount_other_field({}, locale),
    method: m.pay_method({}, locale),
    methodNone: m.pay_method_none({}, locale),
    confirm: m.pay_confirm({}, locale),
    know: m.pay_know({}, locale),
    knowList: [
      m.pay_next_pay({}, locale),
      m.pay_know_price({}, locale),
      m.pay_next_sent({}, locale),
      m.pay_next_refund({}, locale),
    ],
  };
}

export type AmountWords = ReturnType<typeof amountWords>;

export function reviewWords(language: Language) {
  const locale = { locale: language };
  const title = m.pay_review_heading({}, locale);
  return {
    title,
    errorTitle: errorTitle(title, language),
    youPay: m.pay_you_pay({}, locale),
    emergency: m.pay_emergency({}, locale),
    fresh: m.pay_fresh({}, locale),
    email: m.pay_email({}, locale),
    emailHint: m.pay_email_hint({}, locale),
  };
}

export function statusWords(language: Language) {
  const locale = { locale: language };
  return {
    progress: m.order_progress({}, locale),
    now: m.order_step_now({}, locale),
    done: m.order_step_done({}, locale),
    goPay: m.order_continue({}, locale),
    revise: m.order_revise({}, locale),
    retry: m.order_retry({}, locale),
    again: m.order_again({}, locale),
    correct: m.order_correct({}, locale),
    correctText: m.order_correct_text({}, locale),
    correctGo: m.order_correct_go({}, locale),
    number: m.pay_number({}, locale),
    numberHint: m.pay_number_hint({}, locale),
    operator: m.pay_operator({}, locale),
    refund: m.order_refund({}, locale),
    receipt: m.order_receipt_open({}, locale),
    keep: m.order_keep({}, locale),
    keepText: m.order_keep_text({}, locale),
    refresh: m.order_refresh({}, locale),
    mail: m.order_email({}, locale),
    email: m.order_email_label({}, locale),
    emailHint: m.pay_email_hint({}, locale),
    emailGo: m.order_email_go({}, locale),
  };
}

export type StatusWords = ReturnType<typeof statusWords>;
