import type { Outcome } from '../wire/checkout.ts';
import type { Wrongs } from '../wire/control.ts';
import type { Journal, Shelf } from '../wire/journal.ts';
import { invalid, noSuch, WireError } from './errors.ts';
import {
  API_VERSION,
  type Charge,
  type Dispute,
  type Endpoint,
  type Intent,
  type Metadata,
  newId,
  type Refund,
  type Session,
  type StripeEvent,
} from './objects.ts';

/** What a session was opened with besides what Stripe shows of it. */
export type Opening = {
  readonly name: string;
  readonly description: string | null;
  readonly suffix: string | null;
  readonly metadata: Metadata;
};

/** When a payment by a slow method ends, and how. */
type Slow = { readonly session: string; readonly at: number; readonly succeeds: boolean };

/** How this account takes money, as asked for at the control address. */
export type Manners = Wrongs & {
  /** What becomes of a new refund at once. */
  readonly refunds?: 'succeeded' | 'pending' | 'failed';
};

const DESCRIPTOR_PREFIX = 'SAPAR';
const DESCRIPTOR_LENGTH_MAX = 22;

/** One Stripe account: its objects, and what can be done with them. Every change is in the journal before it is told to anybody. */
export class Account {
  readonly sessions: Shelf<Session>;
  readonly intents: Shelf<Intent>;
  readonly charges: Shelf<Charge>;
  readonly refunds: Shelf<Refund>;
  readonly disputes: Shelf<Dispute>;
  readonly events: Shelf<StripeEvent>;
  readonly endpoints: Shelf<Endpoint>;
  readonly openings: Shelf<Opening>;
  readonly #slow: Shelf<Slow>;
  readonly #tell: (event: StripeEvent) => void;
  manners: Manners = {};
  /** Seconds by which its clock was moved on. */
  readonly #ahead: Shelf<number>;

  constructor(journal: Journal, tell: (event: StripeEvent) => void) {
    this.sessions = journal.shelf('session');
    this.intents = journal.shelf('intent');
    this.charges = journal.shelf('charge');
    this.refunds = journal.shelf('refund');
    this.disputes = journal.shelf('dispute');
    this.events = journal.shelf('event');
    this.endpoints = journal.shelf('endpoint');
    this.openings = journal.shelf('opening');
    this.#slow = journal.shelf('slow');
    this.#ahead = journal.shelf('ahead');
    this.#tell = tell;
  }

  now(): number {
    return Math.floor(Date.now() / 1_000) + (this.#ahead.get('clock') ?? 0);
  }

  advance(ms: number): void {
    this.#ahead.put('clock', (this.#ahead.get('clock') ?? 0) + Math.floor(ms / 1_000));
    this.tick();
  }

  /** What time alone brings: sessions lapse, slow payments end. */
  tick(): void {
    const now = this.now();
    for (const session of this.sessions.select(({ status, expires_at }) => status === 'open' && expires_at <= now))
      this.#lapse(session);
    for (const slow of this.#slow.select(({ at }) => at <= now)) this.endSlow(slow.session, slow.succeeds);
  }

  session(id: string): Session {
    const session = this.sessions.get(id);
    if (session === undefined) throw noSuch('checkout.session', id, 'session');
    return session;
  }

  open(session: Session, opening: Opening): Session {
    this.openings.put(session.id, opening);
    this.sessions.put(session.id, session);
    return session;
  }

  expire(id: string): Session {
    const session = this.session(id);
    if (session.status !== 'open')
      throw new WireError(
        400,
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
      );
    return this.#lapse(session);
  }

  /** What the payer does on the page. A session that is not open stays as it is. */
  act(id: string, outcome: Outcome, seconds: number): Session {
    const session = this.session(id);
    if (session.status !== 'open') return session;
    switch (outcome) {
      case 'pay':
        return this.#pay(session);
      case 'decline':
        return this.#decline(session);
      case 'late':
      case 'late_fail':
        return this.#payLate(session, { seconds, succeeds: outcome === 'late' });
    }
  }

  /** Ends a payment by a slow method, before its time where the control address says so. */
  endSlow(id: string, succeeds: boolean): Session {
    const session = this.session(id);
    const slow = this.#slow.get(id);
    if (slow === undefined) return session;
    this.#slow.remove(id);
    if (succeeds) return this.#paid(session, 'checkout.session.async_payment_succeeded');
    const intent = this.#intentOf(session);
    this.intents.put(intent.id, { ...intent, status: 'requires_payment_method', last_payment_error: declined });
    this.#emit('payment_intent.payment_failed', this.intents.get(intent.id));
    this.#emit('checkout.session.async_payment_failed', session);
    return session;
  }

  refund(asked: { intent: string; amount: number | undefined; reason: string | null; metadata: Metadata }): Refund {
    const intent = this.intents.get(asked.intent);
    if (intent === undefined) throw noSuch('payment_intent', asked.intent, 'payment_intent');
    const charge = this.charges.get(intent.latest_charge ?? '');
    if (charge?.status !== 'succeeded')
      throw invalid('payment_intent', `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`);
    const left = charge.amount - charge.amount_refunded;
    if (left === 0)
      throw new WireError(400, `Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
    if (charge.disputed)
      throw new WireError(400, `Charge ${charge.id} has been charged back.`, { code: 'charge_disputed' });
    const amount = asked.amount ?? left;
    if (amount > left)
      throw invalid('amount', `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`);
    const status = this.manners.refunds ?? 'succeeded';
    const refund: Refund = {
      id: newId('re_'),
      object: 'refund',
      amount,
      charge: charge.id,
      created: this.now(),
      currency: charge.currency,
      metadata: asked.metadata,
      payment_intent: intent.id,
      reason: asked.reason,
      status: status === 'failed' ? 'pending' : status,
    };
    this.refunds.put(refund.id, refund);
    this.#setRefunded(charge, amount);
    this.#emit('refund.created', refund);
    this.#emit('charge.refunded', this.charges.get(charge.id));
    // Told as under way, it fails the moment after.
    if (status === 'failed') this.moveRefund(refund.id, 'failed');
    return refund;
  }

  moveRefund(id: string, status: Refund['status']): Refund {
    const refund = this.refunds.get(id);
    if (refund === undefined) throw noSuch('refund', id, 'id');
    const isLost = status === 'failed' || status === 'canceled';
    const moved: Refund = {
      ...refund,
      status,
      ...(status === 'failed' && { failure_reason: 'lost_or_stolen_card' }),
    };
    this.refunds.put(id, moved);
    const charge = this.charges.get(refund.charge);
    if (isLost && charge !== undefined) this.#setRefunded(charge, -refund.amount);
    this.#emit(status === 'failed' ? 'refund.failed' : 'refund.updated', moved);
    this.#emit('charge.refund.updated', moved);
    return moved;
  }

  dispute(asked: { intent: string; reason: string; status: Dispute['status'] }): Dispute {
    const intent = this.intents.get(asked.intent);
    const charge = this.charges.get(intent?.latest_charge ?? '');
    if (charge === undefined) throw noSuch('payment_intent', asked.intent, 'payment_intent');
    const dispute: Dispute = {
      id: newId('du_'),
      object: 'dispute',
      amount: charge.amount,
      charge: charge.id,
      created: this.now(),
      currency: charge.currency,
      livemode: false,
      metadata: {},
      payment_intent: asked.intent,
      reason: asked.reason,
      status: asked.status,
    };
    this.disputes.put(dispute.id, dispute);
    this.charges.put(charge.id, { ...charge, disputed: true });
    this.#emit('charge.dispute.created', dispute);
    if (!asked.status.startsWith('warning')) this.#emit('charge.dispute.funds_withdrawn', dispute);
    return dispute;
  }

  moveDispute(id: string, status: Dispute['status']): Dispute {
    const dispute = this.disputes.get(id);
    if (dispute === undefined) throw noSuch('dispute', id, 'id');
    const moved = { ...dispute, status };
    this.disputes.put(id, moved);
    const isOver = status === 'won' || status === 'lost' || status === 'warning_closed';
    this.#emit(isOver ? 'charge.dispute.closed' : 'charge.dispute.updated', moved);
    if (status === 'won') this.#emit('charge.dispute.funds_reinstated', moved);
    return moved;
  }

  resend(id: string): void {
    const event = this.events.get(id);
    if (event === undefined) throw noSuch('event', id, 'id');
    this.#tell(event);
  }

  #lapse(session: Session): Session {
    const expired: Session = { ...session, status: 'expired', url: null };
    this.sessions.put(session.id, expired);
    this.#emit('checkout.session.expired', expired);
    return expired;
  }

  #pay(session: Session): Session {
    return this.#paid(this.#complete(session), 'checkout.session.completed');
  }

  #payLate(session: Session, { seconds, succeeds }: { seconds: number; succeeds: boolean }): Session {
    const complete = this.#complete(session);
    this.#slow.put(session.id, { session: session.id, at: this.now() + seconds, succeeds });
    this.#emit('payment_intent.processing', this.intents.get(complete.payment_intent ?? ''));
    this.#emit('checkout.session.completed', complete);
    return complete;
  }

  /** The payer is through; whether money comes is another matter. */
  #complete(session: Session): Session {
    const { wrongAmount, wrongCurrency, foreignOrder } = this.manners;
    const amount = session.amount_total + (wrongAmount ? 1 : 0);
    const otherCurrency = session.currency === 'usd' ? 'eur' : 'usd';
    const altered: Session = {
      ...session,
      amount_subtotal: amount,
      amount_total: amount,
      currency: wrongCurrency ? otherCurrency : session.currency,
      ...(foreignOrder && { client_reference_id: 'another-shop/1', metadata: { reference: 'another-shop/1' } }),
    };
    const intent = this.#intentOf(altered);
    this.intents.put(intent.id, { ...intent, amount, currency: altered.currency, status: 'processing' });
    const complete: Session = { ...altered, status: 'complete', payment_intent: intent.id, url: null };
    this.sessions.put(complete.id, complete);
    return complete;
  }

  #paid(session: Session, event: string): Session {
    const intent = this.#intentOf(session);
    const charge = this.#charge(intent, 'succeeded');
    const succeeded: Intent = {
      ...intent,
      amount_received: intent.amount,
      last_payment_error: null,
      latest_charge: charge.id,
      status: 'succeeded',
    };
    this.intents.put(intent.id, succeeded);
    const paid: Session = { ...session, payment_status: 'paid' };
    this.sessions.put(paid.id, paid);
    this.#emit('charge.succeeded', charge);
    this.#emit('payment_intent.succeeded', succeeded);
    this.#emit(event, paid);
    return paid;
  }

  #decline(session: Session): Session {
    const intent = this.#intentOf(session);
    const charge = this.#charge(intent, 'failed');
    const failed: Intent = { ...intent, last_payment_error: declined, latest_charge: charge.id };
    this.intents.put(intent.id, failed);
    const tried: Session = { ...session, payment_intent: intent.id };
    this.sessions.put(session.id, tried);
    this.#emit('charge.failed', charge);
    this.#emit('payment_intent.payment_failed', failed);
    return tried;
  }

  /** The session's payment intent; a session has none before its payer tries to pay. */
  #intentOf(session: Session): Intent {
    const known = this.intents.get(session.payment_intent ?? '');
    if (known !== undefined) return known;
    const opening = this.openings.get(session.id);
    return {
      id: newId('pi_'),
      object: 'payment_intent',
      amount: session.amount_total,
      amount_received: 0,
      canceled_at: null,
      capture_method: 'automatic_async',
      created: this.now(),
      currency: session.currency,
      description: opening?.description ?? null,
      last_payment_error: null,
      latest_charge: null,
      livemode: false,
      metadata: opening?.metadata ?? {},
      payment_method_types: ['card'],
      statement_descriptor_suffix: opening?.suffix ?? null,
      status: 'requires_payment_method',
    };
  }

  #charge(intent: Intent, status: Charge['status']): Charge {
    const suffix = intent.statement_descriptor_suffix;
    const descriptor = suffix === null ? DESCRIPTOR_PREFIX : `${DESCRIPTOR_PREFIX}* ${suffix}`;
    const charge: Charge = {
      id: newId('ch_'),
      object: 'charge',
      amount: intent.amount,
      amount_captured: status === 'succeeded' ? intent.amount : 0,
      amount_refunded: 0,
      calculated_statement_descriptor: descriptor.slice(0, DESCRIPTOR_LENGTH_MAX),
      captured: status === 'succeeded',
      created: this.now(),
      currency: intent.currency,
      description: intent.description,
      disputed: false,
      failure_code: status === 'failed' ? declined.code : null,
      livemode: false,
      metadata: intent.metadata,
      paid: status === 'succeeded',
      payment_intent: intent.id,
      refunded: false,
      status,
    };
    this.charges.put(charge.id, charge);
    return charge;
  }

  #setRefunded(charge: Charge, by: number): void {
    const refundedAmount = charge.amount_refunded + by;
    const refunded = refundedAmount === charge.amount;
    this.charges.put(charge.id, { ...charge, amount_refunded: refundedAmount, refunded });
  }

  #emit(type: string, object: unknown): void {
    const event: StripeEvent = {
      id: newId('evt_'),
      object: 'event',
      api_version: API_VERSION,
      created: this.now(),
      data: { object },
      livemode: false,
      pending_webhooks: 1,
      request: { id: null, idempotency_key: null },
      type,
    };
    this.events.put(event.id, event);
    this.#tell(event);
  }
}

const declined = { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' };
