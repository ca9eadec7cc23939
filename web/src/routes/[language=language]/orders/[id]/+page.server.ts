import { fail, redirect } from '@sveltejs/kit';
import { m } from '../../../../../../messages/compiled/messages.js';
import { type Problem, textIn } from '../../../../forms.ts';
import { found, problemIn, visitorOf } from '../../../../found.server.ts';
import { limits } from '../../../../limits.ts';
import { pageOf } from '../../../../orders/address.ts';
import { type Move, moveOrder, readOrder, setRecipient } from '../../../../orders/api.server.ts';
import { noteEmail, offersEmail } from '../../../../orders/email.server.ts';
import { noNumber, numberField } from '../../../../orders/number.server.ts';
import { openPlaced } from '../../../../orders/open.server.ts';
import { operatorName } from '../../../../orders/operators.ts';
import { refreshSecondsOf, showStatus } from '../../../../orders/status.server.ts';
import { statusWords } from '../../../../orders/words.server.ts';
import { siteWords } from '../../../../words.server.ts';
import type { Actions, PageServerLoad, RequestEvent } from './$types';

/** News come by themselves where script runs; without it the page looks for them again and again. */
export const csr = true;

export const load: PageServerLoad = async (event) => {
  const { language } = event.locals;
  const { order, operators } = await openPlaced(event, event.params.id);
  const locale = { locale: language };
  const title = m.order_title({ reference: order.reference }, locale);
  const now = new Date();
  // While an address is being typed the page does not load itself.
  const isTypingEmail =
    offersEmail(order) && (event.url.searchParams.has('email') || event.url.searchParams.has('/email'));
  const refreshSeconds = isTypingEmail ? undefined : refreshSecondsOf(order, now);
  event.setHeaders({ 'cache-control': 'no-store' });
  return {
    statusWords: statusWords(language),
    title,
    errorTitle: m.site_error_mark({ title }, locale),
    path: `/${language}/orders/${order.id}`,
    operators: operators.map(({ id }) => ({ id, name: operatorName(operators, id, language) })),
    offersEmail: offersEmail(order),
    isTypingEmail,
    refreshSeconds,
    refreshes: refreshSeconds && m.order_refreshes({ seconds: String(refreshSeconds) }, locale),
    view: showStatus({ order, operators, language, now }),
  };
};

export const actions: Actions = {
  revise: (event) => move(event, 'revise'),
  refund: (event) => move(event, 'refund'),
  email: async (event) => {
    const { id } = event.params;
    const email = textIn(await event.request.formData(), 'email', limits.emailLengthMax);
    const problem = await noteEmail(event, id, email);
    if (problem) return fail(422, { typed: '', operator: '', email, problems: [problem] });
    redirect(303, `/${event.locals.language}/orders/${id}`);
  },
  correct: async (event) => {
    const { language } = event.locals;
    const { id } = event.params;
    const form = await event.request.formData();
    const typed = textIn(form, 'number', limits.numberLengthMax);
    const operator = textIn(form, 'operator', limits.amountLengthMax);
    const refuse = (problem: Problem) => fail(422, { typed, operator, email: '', problems: [problem] });
    if (typed === '') return refuse(noNumber(language));
    const recipient = { msisdn: typed, ...(operator && { operator }) };
    const corrected = await setRecipient(id, recipient, visitorOf(event));
    if (corrected.kind === 'read' || hasMovedOn(corrected)) redirect(303, `/${language}/orders/${id}`);
    return refuse(problemIn(corrected, siteWords(language), numberField));
  },
};

/** What somebody else, or the same button a moment ago, has done already is no problem: the page shows it. */
function hasMovedOn(answer: { kind: string; code?: string }): boolean {
  return answer.kind === 'refused' && answer.code === 'order.wrong_state';
}

async function move(event: RequestEvent, to: Move) {
  const { language } = event.locals;
  const visitor = visitorOf(event);
  const moved = await moveOrder(event.params.id, to, visitor);
  if (moved.kind === 'read') redirect(303, pageOf(moved.value, language));
  if (hasMovedOn(moved)) redirect(303, pageOf(found(await readOrder(event.params.id, visitor), 'no_order'), language));
  const problem = problemIn(moved, siteWords(language), () => undefined);
  return fail(422, { typed: '', operator: '', email: '', problems: [problem] });
}
