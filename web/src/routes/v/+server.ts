import { redirect } from '@sveltejs/kit';
import type { RequestHandler } from './$types';

/**
 * Where the QR code of a card leads. The card's code stands after the #, which browsers carry along and never send: it is in no address that
 * anybody logs.
 */
export const GET: RequestHandler = ({ locals, setHeaders }) => {
  setHeaders({ vary: 'Accept-Language, Cookie' });
  redirect(302, `/${locals.language}/redeem`);
};
