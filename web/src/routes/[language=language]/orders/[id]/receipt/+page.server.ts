import { redirect } from '@sveltejs/kit';
import { m } from '../../../../../../../messages/compiled/messages.js';
import { found, visitorOf } from '../../../../../found.server.ts';
import { readReceipts } from '../../../../../orders/api.server.ts';
import { openPlaced } from '../../../../../orders/open.server.ts';
import { showReceipts } from '../../../../../orders/receipt.server.ts';
import type { PageServerLoad } from './$types';

/** The browser's own print and share are offered where script runs. */
export const csr = true;

export const load: PageServerLoad = async (event) => {
  const { language } = event.locals;
  const { order } = await openPlaced(event, event.params.id);
  const path = `/${language}/orders/${order.id}`;
  const documents = found(await readReceipts(order.id, visitorOf(event)), 'no_order');
  if (documents.length === 0) redirect(303, path);
  event.setHeaders({ 'cache-control': 'no-store' });
  return {
    path,
    about: m.order_title({ reference: order.reference }, { locale: language }),
    receipts: showReceipts(documents, language),
  };
};
