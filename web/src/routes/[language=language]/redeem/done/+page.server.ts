import { redirect } from '@sveltejs/kit';
import { readDone } from '../../../../redeem/done.server.ts';
import { showDone } from '../../../../redeem/words.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = ({ locals, cookies, setHeaders }) => {
  const done = readDone(cookies);
  if (!done) redirect(303, `/${locals.language}/redeem`);
  setHeaders({ 'cache-control': 'no-store' });
  return { done: showDone(done, locals.language) };
};
