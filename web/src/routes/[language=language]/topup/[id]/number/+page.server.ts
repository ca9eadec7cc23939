import { fail, redirect } from '@sveltejs/kit';
import { type Problem, textIn } from '../../../../../forms.ts';
import { found, problemIn, visitorOf } from '../../../../../found.server.ts';
import { limits } from '../../../../../limits.ts';
import { isOpen, pageOf } from '../../../../../orders/address.ts';
import { readOrder, setRecipient } from '../../../../../orders/api.server.ts';
import { noNumber, numberField } from '../../../../../orders/number.server.ts';
import { numberWords, stepWords } from '../../../../../orders/words.server.ts';
import { siteWords } from '../../../../../words.server.ts';
import type { Actions, PageServerLoad } from './$types';

/** The number of an order that nobody has paid yet, to be changed by whoever typed it. */
export const load: PageServerLoad = async (event) => {
  const { language } = event.locals;
  const order = found(await readOrder(event.params.id, visitorOf(event)), 'no_order');
  const { grouped } = order.number;
  if (!isOpen(order) || !grouped) redirect(303, pageOf(order, language));
  event.setHeaders({ 'cache-control': 'no-store' });
  return { number: numberWords(language), steps: stepWords(language), orderId: order.id, now: grouped };
};

export const actions: Actions = {
  default: async (event) => {
    const { language } = event.locals;
    const { id } = event.params;
    const typed = textIn(await event.request.formData(), 'number', limits.numberLengthMax);
    const refuse = (problem: Problem) => fail(422, { typed, problems: [problem] });
    if (typed === '') return refuse(noNumber(language));
    const order = await setRecipient(id, { msisdn: typed }, visitorOf(event));
    if (order.kind === 'absent' || (order.kind === 'refused' && order.code === 'order.wrong_state'))
      redirect(303, `/${language}/orders/${id}`);
    if (order.kind !== 'read') return refuse(problemIn(order, siteWords(language), numberField));
    redirect(303, `/${language}/topup/${id}`);
  },
};
