import { type Answer, type Call, json } from '../wire/server.ts';
import {
  type Amount,
  minorOf,
  newId,
  refundedMinor,
  type StoredCapture,
  type StoredRefund,
  valueText,
} from './account.ts';
import type { Paypal } from './context.ts';
import { notFound, unprocessable } from './errors.ts';
import { amountOf, bodyOf } from './orders.ts';
import { once, requestIdOf } from './requests.ts';
import { captureResource, refundResource } from './resources.ts';

export function getCapture(paypal: Paypal, call: Call): Answer {
  return json(200, captureResource(paypal.account, paypal.url, captureOf(paypal, call.params.id)));
}

export function getRefund({ account, url }: Paypal, call: Call): Answer {
  const refund = account.refunds.get(call.params.id ?? '');
  if (refund === undefined) throw notFound();
  return json(200, refundResource(account, url, refund));
}

export function refundCapture(paypal: Paypal, call: Call): Answer {
  const { account, url, wishes } = paypal;
  const { id } = captureOf(paypal, call.params.id);
  return once(paypal, call, {
    requestId: requestIdOf(call),
    make: () => {
      const body = bodyOf(call);
      const wish = wishes.nextRefund;
      wishes.nextRefund = undefined;
      if (wish !== undefined) throw unprocessable(wish.issue);
      const refund = giveBack(paypal, captureOf(paypal, id), {
        ...(body.amount !== undefined && { amount: amountOf(body.amount, '/amount') }),
        ...(typeof body.custom_id === 'string' && { customId: body.custom_id }),
        status: wishes.refunds ?? 'COMPLETED',
      });
      return { kind: 'refund', id: refund.id };
    },
    tell: (made, status) => {
      const refund = account.refunds.get(made.id);
      if (refund === undefined) throw notFound();
      const isWhole = call.headers.prefer === 'return=representation';
      const { id: refundId, status: word, links } = refundResource(account, url, refund);
      return json(status, isWhole ? refundResource(account, url, refund) : { id: refundId, status: word, links });
    },
  });
}

export function captureOf({ account }: Paypal, id: unknown): StoredCapture {
  const capture = typeof id === 'string' ? account.captures.get(id) : undefined;
  if (capture === undefined) throw notFound();
  return capture;
}

export type RefundWish = { amount?: Amount; customId?: string; status: StoredRefund['status'] };

/** Without an amount, all that is left. */
export function giveBack(
  paypal: Paypal,
  capture: StoredCapture,
  { amount, customId, status }: RefundWish,
): StoredRefund {
  const { account } = paypal;
  if (capture.status === 'PENDING') throw unprocessable('PENDING_CAPTURE');
  if (capture.status === 'DECLINED') throw unprocessable('REFUND_NOT_ALLOWED');
  const left = minorOf(capture.amount) - refundedMinor(account, capture.id);
  if (left === 0n) throw unprocessable('CAPTURE_FULLY_REFUNDED');
  const given = amount ?? { currency_code: capture.amount.currency_code, value: valueText(left, capture.amount) };
  if (given.currency_code !== capture.amount.currency_code) throw unprocessable('REFUND_CAPTURE_CURRENCY_MISMATCH');
  if (minorOf(given) > left) throw unprocessable('REFUND_AMOUNT_EXCEEDED');
  const refund = {
    id: newId(),
    captureId: capture.id,
    status,
    amount: given,
    ...(customId !== undefined && { custom_id: customId }),
    createTime: account.now().toISOString(),
  };
  account.refunds.put(refund.id, refund);
  told(paypal, refund);
  return refund;
}

/** A pending refund ends. */
export function settleRefund(paypal: Paypal, refundId: string, status: 'COMPLETED' | 'FAILED'): void {
  const refund = paypal.account.refunds.get(refundId);
  if (refund?.status !== 'PENDING') throw notFound();
  const settled = { ...refund, status };
  paypal.account.refunds.put(refundId, settled);
  told(paypal, settled);
}

/** The capture's status follows from its refunds; then the webhook. */
function told(paypal: Paypal, refund: StoredRefund): void {
  const { account, url } = paypal;
  const capture = captureOf(paypal, refund.captureId);
  const minor = refundedMinor(account, capture.id);
  const status = minor === 0n ? 'COMPLETED' : minor === minorOf(capture.amount) ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  account.captures.put(capture.id, { ...capture, status, updateTime: account.now().toISOString() });
  const kinds = {
    COMPLETED: 'PAYMENT.CAPTURE.REFUNDED',
    PENDING: 'PAYMENT.REFUND.PENDING',
    FAILED: 'PAYMENT.REFUND.FAILED',
  };
  paypal.tell(kinds[refund.status], refundResource(account, url, refund));
}
