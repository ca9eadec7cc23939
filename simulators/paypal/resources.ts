import {
  type Account,
  captureOfOrder,
  minorOf,
  refundedMinor,
  refundsOfCapture,
  type StoredCapture,
  type StoredDispute,
  type StoredOrder,
  type StoredRefund,
  valueText,
} from './account.ts';

// What the account holds, in PayPal's words.

type Link = { href: string; rel: string; method: string };

const payer = {
  email_address: 'payer@example.com',
  payer_id: 'SIMULATEDPAYER',
  name: { given_name: 'Test', surname: 'Payer' },
  address: { country_code: 'CN' },
};

export function pageOf(url: string, orderId: string): string {
  return `${url}/checkoutnow?token=${orderId}`;
}

function linksOfOrder(url: string, order: StoredOrder): Link[] {
  const self = `${url}/v2/checkout/orders/${order.id}`;
  const links: Link[] = [{ href: self, rel: 'self', method: 'GET' }];
  if (order.status === 'CREATED') links.push({ href: pageOf(url, order.id), rel: 'approve', method: 'GET' });
  if (order.status === 'PAYER_ACTION_REQUIRED')
    links.push({ href: pageOf(url, order.id), rel: 'payer-action', method: 'GET' });
  if (order.status === 'APPROVED') links.push({ href: `${self}/capture`, rel: 'capture', method: 'POST' });
  return links;
}

/** What is told unless the whole is asked for (Prefer: return=representation). A capture is told either way. */
export function minimalOrder(url: string, order: StoredOrder): Record<string, unknown> {
  return { id: order.id, status: order.status, links: linksOfOrder(url, order) };
}

export function orderResource(account: Account, url: string, order: StoredOrder): Record<string, unknown> {
  const capture = captureOfOrder(account, order.id);
  const refunds = capture === undefined ? [] : refundsOfCapture(account, capture.id);
  const approved = order.status === 'APPROVED' || order.status === 'COMPLETED';
  return {
    id: order.id,
    intent: 'CAPTURE',
    status: order.status,
    payment_source: { paypal: approved ? payer : {} },
    purchase_units: [
      {
        ...order.unit,
        ...(capture !== undefined && {
          payments: {
            captures: [captureResource(account, url, capture)],
            ...(refunds.length > 0 && { refunds: refunds.map((refund) => refundResource(account, url, refund)) }),
          },
        }),
      },
    ],
    ...(approved && { payer }),
    create_time: order.createTime,
    update_time: order.updateTime,
    links: linksOfOrder(url, order),
  };
}

/** PayPal's share in the simulator: 3.4 % and 0.30, rounded down. */
function breakdown({ amount }: StoredCapture): Record<string, unknown> {
  const gross = minorOf(amount);
  const fee = (gross * 34n) / 1_000n + 30n;
  const money = (minor: bigint): unknown => ({ currency_code: amount.currency_code, value: valueText(minor, amount) });
  return { gross_amount: amount, paypal_fee: money(fee), net_amount: money(gross > fee ? gross - fee : 0n) };
}

export function captureResource(account: Account, url: string, capture: StoredCapture): Record<string, unknown> {
  const self = `${url}/v2/payments/captures/${capture.id}`;
  const isFinal = capture.status !== 'PENDING' && capture.status !== 'DECLINED';
  return {
    id: capture.id,
    status: capture.status,
    ...(capture.status === 'PENDING' && { status_details: { reason: 'PENDING_REVIEW' } }),
    amount: capture.amount,
    final_capture: true,
    seller_protection: { status: 'NOT_ELIGIBLE' },
    ...(isFinal && { seller_receivable_breakdown: breakdown(capture) }),
    ...(capture.custom_id !== undefined && { custom_id: capture.custom_id }),
    ...(capture.invoice_id !== undefined && { invoice_id: capture.invoice_id }),
    supplementary_data: { related_ids: { order_id: account.orders.get(capture.orderId)?.id ?? capture.orderId } },
    create_time: capture.createTime,
    update_time: capture.updateTime,
    links: [
      { href: self, rel: 'self', method: 'GET' },
      { href: `${self}/refund`, rel: 'refund', method: 'POST' },
      { href: `${url}/v2/checkout/orders/${capture.orderId}`, rel: 'up', method: 'GET' },
    ],
  };
}

export function refundResource(account: Account, url: string, refund: StoredRefund): Record<string, unknown> {
  const { amount } = refund;
  const total = valueText(refundedMinor(account, refund.captureId), amount);
  return {
    id: refund.id,
    status: refund.status,
    amount,
    ...(refund.custom_id !== undefined && { custom_id: refund.custom_id }),
    seller_payable_breakdown: {
      gross_amount: amount,
      net_amount: amount,
      total_refunded_amount: { currency_code: amount.currency_code, value: total },
    },
    create_time: refund.createTime,
    update_time: refund.createTime,
    links: [
      { href: `${url}/v2/payments/refunds/${refund.id}`, rel: 'self', method: 'GET' },
      { href: `${url}/v2/payments/captures/${refund.captureId}`, rel: 'up', method: 'GET' },
    ],
  };
}

export function disputeResource(account: Account, url: string, dispute: StoredDispute): Record<string, unknown> {
  const capture = account.captures.get(dispute.captureId);
  return {
    dispute_id: dispute.id,
    create_time: dispute.createTime,
    update_time: dispute.updateTime,
    disputed_transactions: [
      {
        seller_transaction_id: dispute.captureId,
        gross_amount: capture?.amount,
        invoice_number: capture?.invoice_id,
        custom: capture?.custom_id,
        transaction_status: 'COMPLETED',
      },
    ],
    reason: dispute.reason,
    status: dispute.status,
    dispute_amount: dispute.amount,
    dispute_life_cycle_stage: 'CHARGEBACK',
    ...(dispute.outcome !== undefined && { dispute_outcome: { outcome_code: dispute.outcome } }),
    links: [{ href: `${url}/v1/customer/disputes/${dispute.id}`, rel: 'self', method: 'GET' }],
  };
}
