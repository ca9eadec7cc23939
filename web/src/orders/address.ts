import type { Order } from './api.server.ts';

type Where = Pick<Order, 'id' | 'state'>;

/** The page that shows an order as it is now. */
export function pageOf({ id, state }: Where, language: string): string {
  switch (state) {
    case 'draft':
      return `/${language}/topup/${id}`;
    case 'quoted':
      return `/${language}/topup/${id}/review`;
    default:
      return `/${language}/orders/${id}`;
  }
}

/** Nobody has been asked to pay: recipient, amount and way to pay can be chosen. */
export function isOpen({ state }: Pick<Order, 'state'>): boolean {
  return state === 'draft' || state === 'quoted';
}
