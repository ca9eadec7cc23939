import { redirect } from '@sveltejs/kit';
import type { Language } from '../../../../../language.ts';
import { openPlaced } from '../../../../../orders/open.server.ts';
import { showReceipt } from '../../../../../orders/receipt.server.ts';
import { isPaid } from '../../../../../orders/status.server.ts';
import type { PageServerLoad } from './$types';

/** The browser's own print and share are offered where script runs. */
export const csr = true;

export const load: PageServerLoad = async (event) => {
  const language: Language = event.locals.language;
  const { order, operators } = await openPlaced(event, event.params.id);
  const path = `/${language}/orders/${order.id}`;
  if (!isPaid(order)) redirect(303, path);
  event.setHeaders({ 'cache-control': 'no-store' });
  return { path, receipt: showReceipt({ order, operators, language }) };
};
