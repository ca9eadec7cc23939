import { randomInt } from 'node:crypto';
import type { Journal, Shelf } from '../wire/journal.ts';

/** What the account holds. Names of fields are PayPal's where they are told as they are. */

export type Amount = { readonly currency_code: string; readonly value: string };

export type StoredOrder = {
  readonly id: string;
  readonly status: 'CREATED' | 'PAYER_ACTION_REQUIRED' | 'APPROVED' | 'COMPLETED' | 'VOIDED';
  readonly unit: {
    readonly reference_id: string;
    readonly amount: Amount;
    readonly custom_id?: string;
    readonly invoice_id?: string;
    readonly description?: string;
  };
  readonly returnUrl?: string;
  readonly cancelUrl?: string;
  readonly locale?: string;
  /** What the payer chose, and so what a capture meets. */
  readonly funding?: Funding;
  /** How long what comes late takes. */
  readonly lateSeconds?: number;
  /** The last capture was refused: the page says so. */
  readonly declined?: boolean;
  readonly createTime: string;
  readonly updateTime: string;
};

/** `good` is taken at once, `declined` is refused at capture, `late` is pending first, and `late-fail` comes to nothing after that. */
export type Funding = 'good' | 'declined' | 'late' | 'late-fail';

export type StoredCapture = {
  readonly id: string;
  readonly orderId: string;
  readonly status: 'COMPLETED' | 'PENDING' | 'DECLINED' | 'PARTIALLY_REFUNDED' | 'REFUNDED';
  readonly amount: Amount;
  readonly custom_id?: string;
  readonly invoice_id?: string;
  /** Of a pending one: when and how it ends. */
  readonly settles?: { readonly at: string; readonly as: 'COMPLETED' | 'DECLINED' };
  readonly createTime: string;
  readonly updateTime: string;
};

export type StoredRefund = {
  readonly id: string;
  readonly captureId: string;
  readonly status: 'COMPLETED' | 'PENDING' | 'FAILED';
  readonly amount: Amount;
  readonly custom_id?: string;
  readonly createTime: string;
};

export type StoredDispute = {
  readonly id: string;
  readonly captureId: string;
  readonly reason: string;
  readonly amount: Amount;
  readonly status: 'OPEN' | 'UNDER_REVIEW' | 'RESOLVED';
  readonly outcome?: string;
  readonly createTime: string;
  readonly updateTime: string;
};

export type Account = {
  /** The account's clock, which can be moved on. PayPal writes whole seconds; here milliseconds tell two approvals of one second apart. */
  now(): Date;
  advance(ms: number): void;
  readonly orders: Shelf<StoredOrder>;
  readonly captures: Shelf<StoredCapture>;
  readonly refunds: Shelf<StoredRefund>;
  readonly disputes: Shelf<StoredDispute>;
};

/** An order nobody has approved is forgotten after three hours, an approved one three hours after that. */
const ORDER_LIFE_MS = 3 * 60 * 60 * 1_000;

export function openAccount(journal: Journal): Account {
  const clock = journal.shelf<number>('clock');
  const aheadMs = (): number => clock.get('ahead') ?? 0;
  return {
    now: () => new Date(Date.now() + aheadMs()),
    advance: (ms) => clock.put('ahead', aheadMs() + ms),
    orders: journal.shelf('order'),
    captures: journal.shelf('capture'),
    refunds: journal.shelf('refund'),
    disputes: journal.shelf('dispute'),
  };
}

/** Undefined for an order nobody has made, and for one that is forgotten. */
export function findOrder({ orders, now }: Account, id: string): StoredOrder | undefined {
  const order = orders.get(id);
  if (order === undefined || order.status === 'COMPLETED') return order;
  return now().getTime() - Date.parse(order.updateTime) < ORDER_LIFE_MS ? order : undefined;
}

export function captureOfOrder({ captures }: Account, orderId: string): StoredCapture | undefined {
  return captures.values().find((capture) => capture.orderId === orderId);
}

export function refundsOfCapture({ refunds }: Account, captureId: string): StoredRefund[] {
  return refunds.values().filter((refund) => refund.captureId === captureId);
}

/** In hundredths, or in units for currencies without decimals. */
export function minorOf({ value }: Amount): bigint {
  const [whole = '0', fraction] = value.split('.');
  return fraction === undefined ? BigInt(whole) : BigInt(whole + fraction.padEnd(2, '0'));
}

export function valueText(minor: bigint, like: Amount): string {
  if (!like.value.includes('.')) return String(minor);
  const digits = minor.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

export function refundedMinor(account: Account, captureId: string): bigint {
  return refundsOfCapture(account, captureId)
    .filter(({ status }) => status !== 'FAILED')
    .reduce((sum, { amount }) => sum + minorOf(amount), 0n);
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Seventeen characters, as PayPal's own ids. */
export function newId(): string {
  return Array.from({ length: 17 }, () => ALPHABET[randomInt(36)]).join('');
}
