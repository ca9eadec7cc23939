import { type RequestEvent, redirect } from '@sveltejs/kit';
import { type Operator, readOperators } from '../api.server.ts';
import { found, visitorOf } from '../found.server.ts';
import { isOpen, pageOf } from './address.ts';
import { type Order, readOrder } from './api.server.ts';

type Opened = { readonly order: Order; readonly operators: readonly Operator[] };

/** The order an address names, once it has been placed; before that, the page where it is being chosen. */
export async function openPlaced(event: RequestEvent, id: string): Promise<Opened> {
  const visitor = visitorOf(event);
  const [order, operators] = await Promise.all([readOrder(id, visitor), readOperators(visitor)]);
  const there = found(order, 'no_order');
  if (isOpen(there)) redirect(303, pageOf(there, visitor.language));
  return { order: there, operators: operators.kind === 'read' ? operators.value : [] };
}
