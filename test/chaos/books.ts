import { setTimeout as delay } from 'node:timers/promises';
import type { ProviderId } from '../../src/payments/index.ts';
import type { Settings } from './outside.ts';
import type { Json } from './site.ts';

/** What a provider says of one payment, in minor units: what the payer's statement would show. */
export type Charged = {
  readonly provider: ProviderId;
  /** The provider's name for the payment, and for the money in it. */
  readonly id: string;
  readonly capture: string | undefined;
  /** What it believes that we call it. */
  readonly reference: string | undefined;
  readonly currency: string;
  readonly captured: bigint;
  readonly refunds: readonly {
    readonly id: string;
    readonly amount: bigint;
    readonly state: 'done' | 'pending' | 'failed';
  }[];
};

/** What an operator says of one reference. */
export type Credit = {
  readonly reference: string;
  readonly number: string;
  readonly amount: string;
  readonly times: number;
};
export type Asked = { readonly reference: string; readonly state: string };

/** The simulators as people outside the platform use them: payers, shop staff at the provider's site, banks, and whoever reads the books. */
export class Parties {
  readonly settings: Settings;
  readonly operatorsUrl: string;
  #token: string | undefined;

  constructor(settings: Settings, operatorsUrl: string) {
    this.settings = settings;
    this.operatorsUrl = operatorsUrl;
  }

  urlOf(party: ProviderId | 'operators'): string {
    const { STRIPE_API_URL, PAYPAL_API_URL, SANDBOX_URL } = this.settings;
    return { stripe: STRIPE_API_URL, paypal: PAYPAL_API_URL, sandbox: SANDBOX_URL, operators: this.operatorsUrl }[
      party
    ];
  }

  control(party: ProviderId | 'operators', path: string, body?: unknown): Promise<Json> {
    return ask(
      `${this.urlOf(party)}/_control${path}`,
      body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
    );
  }

  /** The payer presses a button of the page. False when it can no longer be paid there. */
  async press(page: string, outcome: string, seconds?: number): Promise<boolean> {
    const form = new URLSearchParams({ outcome, ...(seconds === undefined ? {} : { seconds: String(seconds) }) });
    const response = await fetch(page, { method: 'POST', body: form, redirect: 'manual' });
    await response.arrayBuffer();
    return response.status === 303;
  }

  /** The name of the payment behind a page. */
  idOf(provider: ProviderId, page: string): string {
    const url = new URL(page);
    return (provider === 'paypal' ? url.searchParams.get('token') : url.pathname.split('/').at(-1)) ?? '';
  }

  /** A slow payment ends now. */
  async endSlow(provider: ProviderId, id: string, succeeds: boolean): Promise<void> {
    const outcome = succeeds ? 'succeeded' : 'failed';
    if (provider === 'stripe') await this.control('stripe', `/sessions/${id}/end`, { outcome });
    if (provider === 'sandbox') await this.control('sandbox', `/payments/${id}/end`, { outcome });
    if (provider === 'paypal') {
      const order = await patiently(() => this.#paypalOrder(id));
      const capture = order?.purchase_units[0].payments?.captures?.[0];
      if (capture?.status !== 'PENDING') return;
      await this.control('paypal', `/captures/${capture.id}/settle`, { as: succeeds ? 'COMPLETED' : 'DECLINED' });
    }
  }

  /** The shop's staff give money back at the provider's site, past the platform. False where the provider has none left to give. */
  async giveBack(charged: Charged, { name, amount }: { name: string; amount: bigint }): Promise<boolean> {
    const { provider, id, capture, currency } = charged;
    const value = decimal(amount);
    try {
      if (provider === 'paypal') {
        await this.control('paypal', `/captures/${capture}/refund`, { amount: { currency_code: currency, value } });
        return true;
      }
      if (provider === 'sandbox') {
        const asked = { reference: name, payment: id, money: { currency, amount: value } };
        return (await this.sandboxRefund(asked)).state !== 'failed';
      }
      const body = new URLSearchParams({ payment_intent: capture ?? '', amount: String(amount) });
      const init = { method: 'POST', headers: { 'idempotency-key': name }, body };
      const made = await patiently(async () => whole(await this.#stripe('/v1/refunds', init), 'refund'));
      return whole(await this.#stripe(`/v1/refunds/${made.id}`), 'refund').status !== 'failed';
    } catch (error) {
      if (error instanceof NotNow) throw error;
      return false;
    }
  }

  /** The payer goes to their bank. Answers the provider's name for the dispute. */
  async dispute(charged: Charged): Promise<string> {
    const { provider, id, capture } = charged;
    if (provider === 'stripe') return (await this.control('stripe', `/payment_intents/${capture}/dispute`, {})).id;
    if (provider === 'sandbox') return (await this.control('sandbox', `/payments/${id}/dispute`, {})).id;
    return (await this.control('paypal', `/captures/${capture}/dispute`, { reason: 'UNAUTHORISED' })).dispute_id;
  }

  async decide(provider: ProviderId, dispute: string, isWon: boolean): Promise<void> {
    if (provider === 'stripe') await this.control('stripe', `/disputes/${dispute}`, { status: isWon ? 'won' : 'lost' });
    if (provider === 'sandbox')
      await this.control('sandbox', `/disputes/${dispute}`, { state: isWon ? 'won' : 'lost' });
    if (provider === 'paypal')
      await this.control('paypal', `/disputes/${dispute}`, {
        outcome: isWon ? 'RESOLVED_SELLER_FAVOUR' : 'RESOLVED_BUYER_FAVOUR',
      });
  }

  /** The sandbox lists no refunds; asked for by its name again, one says what it is. */
  async sandboxRefund(asked: {
    reference: string;
    payment: string;
    money: { currency: string; amount: string };
  }): Promise<Json> {
    return patiently(async () => {
      const refund = await this.#sandbox('/refunds', { method: 'POST', body: JSON.stringify(asked) });
      if (refund?.reference !== asked.reference) throw new NotNow(asked.reference);
      return refund;
    });
  }

  /** A refund that is under way ends. */
  async endRefund(provider: ProviderId, refund: string, succeeds: boolean): Promise<void> {
    if (provider === 'stripe')
      await this.control('stripe', `/refunds/${refund}`, { status: succeeds ? 'succeeded' : 'failed' });
    if (provider === 'sandbox')
      await this.control('sandbox', `/refunds/${refund}`, { state: succeeds ? 'done' : 'failed' });
    if (provider === 'paypal')
      await this.control('paypal', `/refunds/${refund}/settle`, { as: succeeds ? 'COMPLETED' : 'FAILED' });
  }

  charged(provider: ProviderId, id: string): Promise<Charged | undefined> {
    return patiently(() => this.#charged(provider, id));
  }

  async #charged(provider: ProviderId, id: string): Promise<Charged | undefined> {
    if (provider === 'stripe') {
      const session = whole(
        await this.#stripe(`/v1/checkout/sessions/${id}?expand[]=payment_intent`),
        'checkout.session',
      );
      const intent = session.payment_intent;
      const refunds =
        intent === null ? [] : (await this.#stripe(`/v1/refunds?limit=100&payment_intent=${intent.id}`)).data;
      return fromStripe(session, refunds);
    }
    if (provider === 'paypal') {
      const order = await this.#paypalOrder(id);
      return order && fromPaypal(order);
    }
    return fromSandbox(await this.#sandbox(`/payments/${id}`));
  }

  async credits(): Promise<Credit[]> {
    return (await this.control('operators', '/credits')).credits;
  }

  async transactions(): Promise<Asked[]> {
    return (await this.control('operators', '/transactions')).transactions;
  }

  #stripe(path: string, init: RequestInit = {}): Promise<Json> {
    return ask(`${this.settings.STRIPE_API_URL}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${this.settings.STRIPE_SECRET_KEY}`, ...init.headers },
    });
  }

  #sandbox(path: string, init: RequestInit = {}): Promise<Json> {
    return ask(`${this.settings.SANDBOX_URL}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${this.settings.SANDBOX_SECRET}` },
    });
  }

  /** Undefined for one that PayPal has forgotten. */
  async #paypalOrder(id: string): Promise<Json> {
    const { PAYPAL_API_URL: url, PAYPAL_CLIENT_ID: name, PAYPAL_CLIENT_SECRET: secret } = this.settings;
    this.#token ??= (
      await ask(`${url}/v1/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
    ).access_token;
    const order = await ask(`${url}/v2/checkout/orders/${id}`, { headers: { authorization: `Bearer ${this.#token}` } });
    // Well-formed, and not what was asked for.
    if (order?.id !== id || !Array.isArray(order.purchase_units)) throw new NotNow(id);
    return order;
  }
}

/** The simulator is in a bad mood; those outside suffer from it as the platform does, and try again. */
export class NotNow extends Error {}

/** Well-formed, and perhaps not what was asked for. */
function whole(answer: Json, object: string): Json {
  if (answer?.object !== object) throw new NotNow(object);
  return answer;
}

/** Longer than any spell lasts. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 50;

function ask(url: string, init: RequestInit = {}): Promise<Json> {
  return patiently(async () => {
    const response = await fetch(url, init);
    const text = await response.text();
    const body = text === '' ? undefined : JSON.parse(text);
    if (response.status >= 500 || passing.has(response.status)) throw new NotNow(`${url}: ${response.status}`);
    if (response.status >= 400) throw new Error(`${url}: ${response.status} ${text}`);
    return body;
  });
}

const passing: ReadonlySet<number> = new Set([401, 429]);

/** A connection that breaks off (a TypeError of fetch), half an answer, or one of something else, is asked for again. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isPassing = error instanceof NotNow || error instanceof TypeError || error instanceof SyntaxError;
      if (!isPassing || performance.now() > until) throw error;
      await delay(RETRY_MS);
    }
  }
}

function decimal(minor: bigint): string {
  const digits = minor.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

const minor = (text: string): bigint => BigInt(text.replace('.', ''));

function fromStripe(session: Json, refunds: readonly Json[]): Charged {
  const intent = session.payment_intent;
  const states: Record<string, 'done' | 'pending' | 'failed'> = { succeeded: 'done', pending: 'pending' };
  return {
    provider: 'stripe',
    id: session.id,
    capture: intent?.id,
    reference: session.client_reference_id,
    currency: (intent?.currency ?? session.currency).toUpperCase(),
    captured: BigInt(intent?.status === 'succeeded' ? intent.amount_received : 0),
    refunds: refunds.map(({ id, amount, status }) => ({
      id,
      amount: BigInt(amount),
      state: states[status] ?? 'failed',
    })),
  };
}

function fromPaypal(order: Json): Charged {
  const [unit] = order.purchase_units;
  const capture = unit.payments?.captures?.[0];
  const isTaken = capture !== undefined && capture.status !== 'PENDING' && capture.status !== 'DECLINED';
  const states: Record<string, 'done' | 'pending' | 'failed'> = { COMPLETED: 'done', PENDING: 'pending' };
  const refunds: readonly Json[] = unit.payments?.refunds ?? [];
  return {
    provider: 'paypal',
    id: order.id,
    capture: capture?.id,
    reference: unit.custom_id,
    currency: (capture ?? unit).amount.currency_code,
    captured: isTaken ? minor(capture.amount.value) : 0n,
    refunds: refunds.map(({ id, amount, status }) => ({
      id,
      amount: minor(amount.value),
      state: states[status] ?? 'failed',
    })),
  };
}

function fromSandbox(payment: Json): Charged {
  return {
    provider: 'sandbox',
    id: payment.id,
    capture: payment.capture ?? undefined,
    reference: payment.reference,
    currency: payment.money.currency,
    captured: payment.state === 'captured' ? minor(payment.money.amount) : 0n,
    // It tells the sum alone.
    refunds:
      minor(payment.refunded.amount) > 0n ? [{ id: '', amount: minor(payment.refunded.amount), state: 'done' }] : [],
  };
}
