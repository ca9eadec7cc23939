import { fail, redirect } from '@sveltejs/kit';
import { type Problem, readAmount, textIn } from '../../../forms.ts';
import { problemIn, visitorOf } from '../../../found.server.ts';
import { limits } from '../../../limits.ts';
import { createLink } from '../../../orders/api.server.ts';
import { noNumber, numberField } from '../../../orders/number.server.ts';
import { requestWords } from '../../../orders/request.server.ts';
import { siteWords } from '../../../words.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = ({ locals }) => ({ request: requestWords(locals.language) });

export const actions: Actions = {
  default: async (event) => {
    const { language } = event.locals;
    const form = await event.request.formData();
    const number = textIn(form, 'number', limits.numberLengthMax);
    const amount = textIn(form, 'amount', limits.amountLengthMax);
    const refuse = (problem: Problem) => fail(422, { number, amount, problems: [problem] });
    if (number === '') return refuse(noNumber(language));
    const wish = { msisdn: number, ...(amount && { amount: readAmount(amount) }) };
    const link = await createLink(wish, visitorOf(event));
    if (link.kind === 'read') redirect(303, `/${language}/request/${link.value.id}/share`);
    return refuse(problemIn(link, siteWords(language), fieldOf));
  },
};

function fieldOf(code: string): string | undefined {
  return code.startsWith('amount.') ? 'amount' : numberField(code);
}
