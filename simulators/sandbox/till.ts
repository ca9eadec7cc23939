import { randomBytes } from 'node:crypto';
import type { Outcome } from '../wire/checkout.ts';
import type { Wrongs } from '../wire/control.ts';
import type { Journal, Shelf } from '../wire/journal.ts';

/** Decimal text and ISO 4217. */
export type Money = { readonly currency: string; readonly amount: string };

export type Payment = {
  readonly id: string;
  readonly reference: string;
  readonly order: string;
  readonly state: 'open' | 'pending' | 'captured' | 'refused' | 'expired';
  readonly money: Money;
  readonly refunded: Money;
  /** The name of the money, once it is there. */
  readonly capture: string | null;
  readonly description: string;
  readonly language: string;
  readonly returnUrl: string;
  readonly cancelUrl: string;
  readonly createdAt: string;
  readonly expiresAt: string;
};

export type Refund = {
  readonly id: string;
  readonly reference: string;
  readonly payment: string;
  readonly money: Money;
  readonly state: 'done' | 'pending' | 'failed';
};

export type Dispute = {
  readonly id: string;
  readonly payment: string;
  readonly capture: string;
  readonly money: Money;
  readonly state: 'open' | 'won' | 'lost';
  readonly reason: string;
};

export type Event = {
  readonly id: string;
  readonly type: 'payment' | 'refund' | 'dispute';
  readonly timestamp: string;
  readonly data: Payment | Refund | Dispute;
};

/** How money is taken, as asked for at the control address. */
export type Manners = Wrongs & { readonly refunds?: Refund['state'] };

export class TillError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Slow = { readonly payment: string; readonly at: number; readonly succeeds: boolean };
type Asked = Pick<
  Payment,
  'reference' | 'order' | 'money' | 'description' | 'language' | 'returnUrl' | 'cancelUrl' | 'expiresAt'
>;

/** All currencies here have two decimals. */
const minorOf = ({ amount }: Money): bigint => BigInt(amount.replace('.', ''));
const moneyOf = (currency: string, minor: bigint): Money => {
  const digits = minor.toString().padStart(3, '0');
  return { currency, amount: `${digits.slice(0, -2)}.${digits.slice(-2)}` };
};

const newId = (prefix: string): string => `${prefix}_${randomBytes(12).toString('hex')}`;

/** Takes and gives back money that does not exist. A reference is a key: asked again, it is the same payment, the same refund. */
export class Till {
  readonly payments: Shelf<Payment>;
  readonly refunds: Shelf<Refund>;
  readonly disputes: Shelf<Dispute>;
  readonly #slow: Shelf<Slow>;
  readonly #tell: (event: Event) => void;
  manners: Manners = {};
  #aheadMs = 0;

  constructor(journal: Journal, tell: (event: Event) => void) {
    this.payments = journal.shelf('payment');
    this.refunds = journal.shelf('refund');
    this.disputes = journal.shelf('dispute');
    this.#slow = journal.shelf('slow');
    this.#tell = tell;
  }

  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
    this.tick();
  }

  tick(): void {
    const now = this.now().getTime();
    const isOver = ({ state, expiresAt }: Payment): boolean => state === 'open' && Date.parse(expiresAt) <= now;
    for (const payment of this.payments.select(isOver)) this.#move(payment, { state: 'expired' });
    for (const slow of this.#slow.select(({ at }) => at <= now)) this.endSlow(slow.payment, slow.succeeds);
  }

  payment(id: string): Payment {
    const payment = this.payments.get(id);
    if (payment === undefined) throw new TillError(404, 'not_found', `there is no payment ${id}`);
    return payment;
  }

  open(asked: Asked): Payment {
    const [before] = this.payments.select(({ reference }) => reference === asked.reference);
    if (before !== undefined) {
      const { currency, amount } = asked.money;
      if (before.money.currency === currency && before.money.amount === amount) return before;
      throw new TillError(409, 'reference_reused', 'this reference was used for other money');
    }
    const payment: Payment = {
      ...asked,
      id: newId('pay'),
      state: 'open',
      refunded: moneyOf(asked.money.currency, 0n),
      capture: null,
      createdAt: this.now().toISOString(),
    };
    this.payments.put(payment.id, payment);
    return payment;
  }

  /** Only what is open expires; otherwise the answer says what it is. */
  expire(id: string): Payment {
    const payment = this.payment(id);
    return payment.state === 'open' ? this.#move(payment, { state: 'expired' }) : payment;
  }

  act(id: string, outcome: Outcome, seconds: number): Payment {
    const payment = this.payment(id);
    // A card that is declined leaves the page open for another one.
    if (payment.state !== 'open' || outcome === 'decline') return payment;
    const altered = this.#altered(payment);
    if (outcome === 'pay') return this.#capture(altered);
    const at = this.now().getTime() + seconds * 1_000;
    this.#slow.put(id, { payment: id, at, succeeds: outcome === 'late' });
    return this.#move(altered, { state: 'pending' });
  }

  /** Ends a slow payment, before its time where the control address says so. */
  endSlow(id: string, succeeds: boolean): Payment {
    const payment = this.payment(id);
    if (this.#slow.get(id) === undefined) return payment;
    this.#slow.remove(id);
    return succeeds ? this.#capture(payment) : this.#move(payment, { state: 'refused' });
  }

  refund(asked: Pick<Refund, 'reference' | 'payment' | 'money'>): Refund {
    const payment = this.payment(asked.payment);
    const [before] = this.refunds.select(({ reference }) => reference === asked.reference);
    if (before !== undefined) return before;
    if (payment.capture === null) throw new TillError(422, 'not_captured', 'there is no money to give back');
    if (payment.money.currency !== asked.money.currency)
      throw new TillError(422, 'other_currency', 'money goes back in the currency it came in');
    const left = minorOf(payment.money) - minorOf(payment.refunded);
    if (left === 0n) throw new TillError(422, 'already_refunded', 'all of it was given back');
    if (minorOf(asked.money) > left) throw new TillError(422, 'too_much', 'that is more than is left of it');
    const refund: Refund = { ...asked, id: newId('ref'), state: this.manners.refunds ?? 'done' };
    this.refunds.put(refund.id, refund);
    if (refund.state !== 'failed') this.#setRefunded(payment, minorOf(refund.money));
    this.#emit('refund', refund);
    return refund;
  }

  moveRefund(id: string, state: Refund['state']): Refund {
    const refund = this.refunds.get(id);
    if (refund === undefined) throw new TillError(404, 'not_found', `there is no refund ${id}`);
    const moved = { ...refund, state };
    this.refunds.put(id, moved);
    if (state === 'failed' && refund.state !== 'failed')
      this.#setRefunded(this.payment(refund.payment), -minorOf(refund.money));
    this.#emit('refund', moved);
    return moved;
  }

  dispute(payment: string, reason: string): Dispute {
    const { capture, money } = this.payment(payment);
    if (capture === null) throw new TillError(422, 'not_captured', 'nothing was taken');
    const dispute: Dispute = { id: newId('dis'), payment, capture, money, state: 'open', reason };
    this.disputes.put(dispute.id, dispute);
    this.#emit('dispute', dispute);
    return dispute;
  }

  moveDispute(id: string, state: Dispute['state']): Dispute {
    const dispute = this.disputes.get(id);
    if (dispute === undefined) throw new TillError(404, 'not_found', `there is no dispute ${id}`);
    const moved = { ...dispute, state };
    this.disputes.put(id, moved);
    this.#emit('dispute', moved);
    return moved;
  }

  #altered(payment: Payment): Payment {
    const { wrongAmount, wrongCurrency, foreignOrder } = this.manners;
    const currency = wrongCurrency ? (payment.money.currency === 'USD' ? 'EUR' : 'USD') : payment.money.currency;
    return {
      ...payment,
      money: moneyOf(currency, minorOf(payment.money) + (wrongAmount ? 1n : 0n)),
      refunded: moneyOf(currency, 0n),
      ...(foreignOrder && { reference: 'another-shop/1' }),
    };
  }

  #capture(payment: Payment): Payment {
    return this.#move(payment, { state: 'captured', capture: newId('cap') });
  }

  #setRefunded(payment: Payment, by: bigint): void {
    const refunded = moneyOf(payment.money.currency, minorOf(payment.refunded) + by);
    this.payments.put(payment.id, { ...payment, refunded });
  }

  #move(payment: Payment, to: Partial<Payment>): Payment {
    const moved = { ...payment, ...to };
    this.payments.put(payment.id, moved);
    this.#emit('payment', moved);
    return moved;
  }

  #emit(type: Event['type'], data: Event['data']): void {
    this.#tell({ id: newId('msg'), type, timestamp: this.now().toISOString(), data });
  }
}
