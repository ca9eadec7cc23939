import type { RequestEvent } from '@sveltejs/kit';
import { readOperators } from '../api.server.ts';
import { found, visitorOf } from '../found.server.ts';
import { readLink } from './api.server.ts';
import { showLink } from './request.server.ts';

/** The link an address names, while it works. */
export async function openLink(event: RequestEvent, id: string) {
  const visitor = visitorOf(event);
  const { language } = visitor;
  const [read, operators] = await Promise.all([readLink(id, visitor), readOperators(visitor)]);
  const link = found(read, 'no_link');
  event.setHeaders({ 'cache-control': 'no-store' });
  return {
    path: `/${language}/request/${link.id}`,
    /** Without a language: whoever opens it reads it in their own. */
    shared: `/request/${link.id}`,
    link: showLink({ link, operators: operators.kind === 'read' ? operators.value : [], language }),
  };
}
