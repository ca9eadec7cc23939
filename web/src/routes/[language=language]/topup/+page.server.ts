import { fail, redirect } from '@sveltejs/kit';
import { readOperators } from '../../../api.server.ts';
import { type Problem, textIn } from '../../../forms.ts';
import { problemIn, visitorOf } from '../../../found.server.ts';
import { limits } from '../../../limits.ts';
import { draftOrder } from '../../../orders/api.server.ts';
import { noNumber, numberField } from '../../../orders/number.server.ts';
import { brandNames } from '../../../orders/operators.ts';
import { aboutTopUp, numberWords, stepWords } from '../../../orders/words.server.ts';
import { siteWords } from '../../../words.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const { language } = event.locals;
  const operators = await readOperators(visitorOf(event));
  const names = operators.kind === 'read' ? brandNames(operators.value, language) : [];
  return { number: numberWords(language), steps: stepWords(language), about: aboutTopUp(names, language) };
};

export const actions: Actions = {
  default: async (event) => {
    const { language } = event.locals;
    const typed = textIn(await event.request.formData(), 'number', limits.numberLengthMax);
    const refuse = (problem: Problem) => fail(422, { typed, problems: [problem] });
    if (typed === '') return refuse(noNumber(language));
    const order = await draftOrder(typed, visitorOf(event));
    if (order.kind !== 'read') return refuse(problemIn(order, siteWords(language), numberField));
    redirect(303, `/${language}/topup/${order.value.id}`);
  },
};
