import { redirect } from '@sveltejs/kit';
import { visitorOf } from '../../../../../found.server.ts';
import { moveOrder } from '../../../../../orders/api.server.ts';
import type { RequestHandler } from './$types';

/** The payer's browser is back from the payment service. It proves nothing; it is a reason to ask that service now. */
export const GET: RequestHandler = async (event) => {
  const { language } = event.locals;
  await moveOrder(event.params.id, 'returned', visitorOf(event));
  redirect(303, `/${language}/orders/${event.params.id}`);
};
