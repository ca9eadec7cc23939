import * as m from '../../messages/compiled/messages.js';
import { formatAmount } from '../base/money.ts';
import { formatMoney } from '../i18n/index.ts';
import type { ProviderId } from '../payments/index.ts';
import type { Order } from './order.ts';

/** One line for the provider's page and the payer's statement: what is bought, for which number. `mask` never holds the whole number. */
export function orderDescription(order: Order, mask: string): string {
  const amount = formatMoney(formatAmount(order.faceMinor ?? 0n, 'KZT'), order.language);
  return m.order_description({ amount, number: mask }, { locale: order.language });
}

const REFERENCE_SHOWN = 9;

/**
 * The line on the payer's statement, for the methods that take real money: what the provider's account is called there, with Stripe the reference's first
 * groups too, as its statement descriptor is made of both.
 */
export function statementLine(
  method: ProviderId,
  { reference, accountName }: { reference: string; accountName: string },
): string | undefined {
  switch (method) {
    case 'stripe': {
      const part = reference.slice(0, REFERENCE_SHOWN);
      // A part without a letter is not accepted there.
      return /[A-Z]/.test(part) ? `${accountName}* ${part}` : accountName;
    }
    case 'paypal':
      return `PAYPAL *${accountName}`;
    case 'sandbox':
      return undefined;
  }
}
