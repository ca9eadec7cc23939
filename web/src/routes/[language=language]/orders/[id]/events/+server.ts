import { readOperators } from '../../../../../api.server.ts';
import { visitorOf } from '../../../../../found.server.ts';
import { openEvents } from '../../../../../orders/events.server.ts';
import type { RequestHandler } from './$types';

/** News of an order as server-sent events, each in the words of the page. */
export const GET: RequestHandler = async (event) => {
  const visitor = visitorOf(event);
  const operators = await readOperators(visitor);
  const { signal } = event.request;
  const known = operators.kind === 'read' ? operators.value : [];
  const news = await openEvents({ id: event.params.id, operators: known, signal }, visitor);
  if (!news) return new Response(null, { status: 503 });
  return new Response(news, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // A proxy that gathers a stream before it passes it on would keep the news to itself.
      'x-accel-buffering': 'no',
    },
  });
};
