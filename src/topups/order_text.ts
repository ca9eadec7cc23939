import * as m from '../../messages/compiled/messages.js';
import { formatAmount } from '../base/money.ts';
import { formatMoney } from '../i18n/index.ts';
import type { Order } from './order.ts';

/** One line for the provider's page and the payer's statement: what is bought, for which number. `mask` never holds the whole number. */
export function orderDescription(order: Order, mask: string): string {
  const amount = formatMoney(formatAmount(order.faceMinor ?? 0n, 'KZT'), order.language);
  return m.order_description({ amount, number: mask }, { locale: order.language });
}
