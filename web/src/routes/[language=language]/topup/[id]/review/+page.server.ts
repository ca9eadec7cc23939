import { fail, redirect } from '@sveltejs/kit';
import { m } from '../../../../../../../messages/compiled/messages.js';
import { readOperators } from '../../../../../api.server.ts';
import { type Problem, textIn } from '../../../../../forms.ts';
import { found, problemIn, visitorOf } from '../../../../../found.server.ts';
import { limits } from '../../../../../limits.ts';
import { pageOf } from '../../../../../orders/address.ts';
import { type Order, payOrder, quoteOrder, readOrder } from '../../../../../orders/api.server.ts';
import { noteEmail, offersEmail } from '../../../../../orders/email.server.ts';
import { digestOf, isQuoted, type Quoted, showReview } from '../../../../../orders/review.server.ts';
import { reviewWords, stepWords } from '../../../../../orders/words.server.ts';
import { paymentOrigins } from '../../../../../settings.server.ts';
import { siteWords } from '../../../../../words.server.ts';
import type { Actions, PageServerLoad, RequestEvent } from './$types';

export const load: PageServerLoad = async (event) => {
  const { language } = event.locals;
  const order = await read(event);
  if (order.state !== 'quoted' || !isQuoted(order)) redirect(303, pageOf(order, language));
  const operators = found(await readOperators(visitorOf(event)), 'no_order');
  event.setHeaders({ 'cache-control': 'no-store' });
  return {
    reviewWords: reviewWords(language),
    steps: stepWords(language),
    numberPath: order.number.grouped ? `/${language}/topup/${order.id}/number` : '',
    amountPath: `/${language}/topup/${order.id}`,
    offersEmail: offersEmail(order),
    review: showReview({ order, operators, language, now: new Date() }),
  };
};

export const actions: Actions = {
  pay: async (event) => {
    const { language } = event.locals;
    const order = await read(event);
    const form = await event.request.formData();
    const seen = textIn(form, 'seen', limits.codeLengthMax);
    const email = textIn(form, 'email', limits.emailLengthMax);
    // The second of two clicks finds the order placed, and the same page to pay it at.
    const isPayable = order.state === 'quoted' || order.state === 'awaiting_payment';
    if (!isPayable || !isQuoted(order)) redirect(303, pageOf(order, language));
    if (seen !== digestOf(order))
      return refuse({ field: undefined, text: m.pay_changed({}, { locale: language }) }, email);
    return refuse((await noteEmail(event, order.id, email)) ?? (await pay(event, order)), email);
  },

  /** A price whose time is over is asked for anew, for the same choice. */
  fresh: async (event) => {
    const order = await read(event);
    if (order.state === 'quoted' && isQuoted(order)) {
      const problem = await requote(event, order);
      if (problem) return refuse(problem);
    }
    redirect(303, pageOf(order, event.locals.language));
  },
};

function refuse(problem: Problem, email = '') {
  return fail(422, { email, problems: [problem] });
}

async function read(event: RequestEvent): Promise<Order> {
  return found(await readOrder(event.params.id, visitorOf(event)), 'no_order');
}

/** Leads on to the payment service, or says why not. */
async function pay(event: RequestEvent, order: Quoted): Promise<Problem> {
  const { language } = event.locals;
  const status = `/${language}/orders/${order.id}`;
  const placed = await payOrder(order.id, `${event.url.origin}${status}/returned`, visitorOf(event));
  if (placed.kind === 'read') leadOn(placed.value, status);
  if (placed.kind === 'refused' && placed.code === 'order.wrong_state') redirect(303, status);
  if (placed.kind === 'refused' && placed.code === 'quote.expired') {
    const problem = await requote(event, order);
    return problem ?? { field: undefined, text: placed.detail };
  }
  return problemIn(placed, siteWords(language), () => undefined);
}

/** Browsers block a form that leads where the policy does not say; the order's own page has a link there, which they let through. */
function leadOn(url: string, status: string): never {
  const external = [...paymentOrigins()];
  const isAllowed = URL.canParse(url) && external.includes(new URL(url).origin);
  return isAllowed ? redirect(303, url, { external }) : redirect(303, status);
}

/** The digits that were asked for with the first price of this order were given then. */
async function requote(event: RequestEvent, { id, amount, quote, number }: Quoted): Promise<Problem | undefined> {
  const { price, method } = quote;
  const wish = { amount: amount ?? '', currency: price.currency, method, confirm: number.tail };
  const answer = await quoteOrder(id, wish, visitorOf(event));
  return answer.kind === 'read' ? undefined : problemIn(answer, siteWords(event.locals.language), () => undefined);
}
