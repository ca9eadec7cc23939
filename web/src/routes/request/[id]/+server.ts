import { redirect } from '@sveltejs/kit';
import type { RequestHandler } from './$types';

/** The address that is passed on: whoever opens it reads it in their own language. */
export const GET: RequestHandler = ({ locals, params, setHeaders }) => {
  setHeaders({ vary: 'Accept-Language, Cookie' });
  redirect(302, `/${locals.language}/request/${encodeURIComponent(params.id)}`);
};
