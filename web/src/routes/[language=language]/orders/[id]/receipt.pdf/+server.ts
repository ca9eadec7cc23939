import { error } from '@sveltejs/kit';
import { openBody } from '../../../../../api.server.ts';
import { visitorOf } from '../../../../../found.server.ts';
import { receiptPath } from '../../../../../orders/api.server.ts';
import type { RequestHandler } from './$types';

const DOCUMENT = /^(payment|refund-\d{1,3})$/;

/** The receipt, or with `?document=refund-1` that of a refund, as the API makes it. */
export const GET: RequestHandler = async (event) => {
  const { params, url, request } = event;
  const visitor = visitorOf(event);
  const document = url.searchParams.get('document') ?? 'payment';
  if (!DOCUMENT.test(document)) error(404, 'There is no such document');
  const path = receiptPath(params.id, document, visitor);
  const pdf = await openBody({ path, accept: 'application/pdf', signal: request.signal }, visitor);
  if (!pdf) error(404, { message: 'There is no such document', code: 'no_order' });
  return new Response(pdf, {
    headers: {
      'content-type': 'application/pdf',
      'content-disposition': `inline; filename="sapar-${document}.pdf"`,
      'cache-control': 'no-store',
    },
  });
};
