import { m } from '../../../messages/compiled/messages.js';
import type { Language } from '../language.ts';

/** The fixed words of the demo phone's page; what depends on a step comes with the step. */
export function phoneWords(language: Language, menuCode: string) {
  const locale = { locale: language };
  return {
    title: m.phone_title({}, locale),
    errorTitle: m.site_error_mark({ title: m.phone_title({}, locale) }, locale),
    summary: m.phone_summary({}, locale),
    operators: m.phone_operators({}, locale),
    number: m.phone_number({}, locale),
    numberHint: m.phone_number_hint({}, locale),
    code: m.phone_code({}, locale),
    call: m.phone_call({}, locale),
    screen: m.phone_screen({}, locale),
    markOpen: m.phone_mark_open({}, locale),
    markEnded: m.phone_mark_ended({}, locale),
    answer: m.phone_answer({}, locale),
    send: m.phone_send({}, locale),
    sending: m.phone_sending({}, locale),
    repeat: m.phone_repeat({}, locale),
    redial: m.phone_redial({}, locale),
    dialAgain: m.phone_dial_again({}, locale),
    siteSilent: m.phone_trouble_site({}, locale),
    hangUp: m.phone_hang_up({}, locale),
    startOver: m.phone_start_over({}, locale),
    problems: m.site_problems({}, locale),
    cards: m.phone_cards({}, locale),
    cardsText: m.phone_cards_text({}, locale),
    cardsNone: m.phone_cards_none({}, locale),
    cardUse: m.phone_card_use({}, locale),
    cardSpent: m.phone_card_spent({}, locale),
    ledger: m.phone_ledger({}, locale),
    balance: m.phone_balance({}, locale),
    movements: m.phone_movements({}, locale),
    movementsNone: m.phone_movements_none({}, locale),
    time: m.phone_time({}, locale),
    what: m.phone_what({}, locale),
    amount: m.phone_amount({}, locale),
    reference: m.phone_reference({}, locale),
    fresh: m.phone_fresh({}, locale),
    wire: m.phone_wire({}, locale),
    wireText: m.phone_wire_text({}, locale),
    wireNone: m.phone_wire_none({}, locale),
    wireRequest: m.phone_wire_request({}, locale),
    wireReply: m.phone_wire_reply({}, locale),
    tries: m.phone_tries({}, locale),
    tryList: [
      m.phone_try_dial({ code: menuCode }, locale),
      m.phone_try_language({}, locale),
      m.phone_try_one_shot({ code: menuCode }, locale),
      m.phone_try_repeat({}, locale),
      m.phone_try_drop({}, locale),
    ],
  };
}

export type PhoneWords = ReturnType<typeof phoneWords>;
