import { fail, redirect } from '@sveltejs/kit';
import { m } from '../../../../../../messages/compiled/messages.js';
import { readOperators } from '../../../../api.server.ts';
import type { Problem } from '../../../../forms.ts';
import { found, problemIn, visitorOf } from '../../../../found.server.ts';
import { isOpen, pageOf } from '../../../../orders/address.ts';
import {
  amountMeant,
  type Choice,
  choiceAsked,
  choiceField,
  choiceIn,
  showAmounts,
} from '../../../../orders/amount.server.ts';
import { type Order, quoteOrder, readMethods, readOrder, setRecipient } from '../../../../orders/api.server.ts';
import { amountWords, stepWords } from '../../../../orders/words.server.ts';
import { siteWords } from '../../../../words.server.ts';
import type { Actions, PageServerLoad, RequestEvent } from './$types';

export const load: PageServerLoad = async (event) => {
  const { language } = event.locals;
  const order = await openOrder(event);
  const visitor = visitorOf(event);
  const [readOffer, readThem] = await Promise.all([readMethods(visitor), readOperators(visitor)]);
  const offered = found(readOffer, 'no_order');
  const operators = found(readThem, 'no_order');
  const choice = choiceAsked(event.url.searchParams, { order, offered, language });
  event.setHeaders({ 'cache-control': 'no-store' });
  return {
    amountWords: amountWords(language),
    steps: stepWords(language),
    number: order.number.grouped ?? order.number.masked,
    numberPath: order.number.grouped ? `/${language}/topup/${order.id}/number` : undefined,
    choice,
    amounts: await showAmounts({ order, offered, language, choice, operators, visitor }),
  };
};

export const actions: Actions = {
  default: async (event) => {
    const { language } = event.locals;
    const order = await openOrder(event);
    const choice = choiceIn(await event.request.formData());
    const meant = amountMeant(choice, language);
    if (!('amount' in meant)) return fail(422, { choice, problems: [meant] });
    const problem = await quote(event, order, { ...choice, amount: meant.amount });
    return fail(422, { choice, problems: [problem] });
  },
};

/** The order in the address, while it can still be chosen for; else the page that shows it. */
async function openOrder(event: RequestEvent): Promise<Order> {
  const order = found(await readOrder(event.params.id, visitorOf(event)), 'no_order');
  if (!isOpen(order)) redirect(303, pageOf(order, event.locals.language));
  return order;
}

/** Asks for a price and leads on to it, or says what is wrong with what was chosen. */
async function quote(event: RequestEvent, order: Order, choice: Choice): Promise<Problem> {
  const visitor = visitorOf(event);
  const { language } = visitor;
  const words = siteWords(language);
  const fieldOf = choiceField(choice);
  if (choice.operator !== '' && choice.operator !== order.operator) {
    const moved = await setRecipient(order.id, { operator: choice.operator }, visitor);
    if (moved.kind !== 'read') return problemIn(moved, words, fieldOf);
  }
  const { amount, currency, method, confirm } = choice;
  if (method === '') return { field: 'method', text: m.pay_method_missing({}, { locale: language }) };
  const quoted = await quoteOrder(order.id, { amount, currency, method, ...(confirm && { confirm }) }, visitor);
  if (quoted.kind === 'read') redirect(303, `/${language}/topup/${order.id}/review`);
  if (quoted.kind === 'refused' && quoted.code === 'order.wrong_state')
    redirect(303, `/${language}/orders/${order.id}`);
  // Asked for the first time it is no mistake of the visitor's.
  if (quoted.kind === 'refused' && quoted.code === 'msisdn.confirm' && confirm === '')
    return { field: 'confirm', text: m.pay_confirm_ask({}, { locale: language }) };
  return problemIn(quoted, words, fieldOf);
}
