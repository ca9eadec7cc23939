import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

// A customer at the order's door: what the site asks for them, and what they do on a provider's page.

export type Money = { readonly currency: string; readonly amount: string };

/** The union of what the routes used here answer; a field that is not there reads as undefined. */
export type View = {
  readonly id: string;
  readonly reference: string;
  readonly state: string;
  readonly operator: string;
  readonly number: { readonly masked: string; readonly grouped?: string };
  readonly quote: { readonly price: Money; readonly charge: Money; readonly fee: Money; readonly margin: Money } | null;
  readonly needsConfirmation: boolean;
  readonly payment: { readonly no: number; readonly state: string; readonly providerReference: string | null } | null;
  readonly refunds: readonly {
    readonly state: string;
    readonly promisedBy: string;
    readonly amount: Money;
    readonly reason: string;
  }[];
  readonly delivery: {
    readonly reason: string | null;
    readonly correctUntil: string | null;
    readonly attempt: number;
  } | null;
  readonly case: { readonly reason: string } | null;
  readonly isFinal: boolean;
  readonly contact: string | null;
  readonly code?: string;
  readonly detail?: string;
  readonly url?: string;
  readonly order?: View;
};

export type OrderAnswer = { readonly status: number; readonly body: View };

export type OrderWish = { msisdn: string; currency: string; method: string; amount?: string };

export class Shopper {
  /** The visitor's. */
  language = 'en';
  /** The visitor's, as the site forwards it; the site's own where nothing is said. */
  address: string | undefined;
  readonly #url: () => string;
  readonly #key: string;
  #numbers = 0;

  constructor(url: () => string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  async call(method: string, path: string, body?: unknown): Promise<OrderAnswer> {
    const response = await fetch(`${this.#url()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        'accept-language': this.language,
        ...(this.address === undefined ? {} : { 'x-forwarded-for': this.address }),
        ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
      },
      ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
    });
    return { status: response.status, body: (await response.json()) as View };
  }

  /** A number of this prefix whose last three digits the operators' simulator takes for a wish. */
  number(prefix: string, wish = '800'): string {
    this.#numbers += 1;
    return `7${prefix}${String(this.#numbers).padStart(4, '0')}${wish}`;
  }

  async draft(msisdn: string): Promise<string> {
    const { status, body } = await this.call('POST', '/v1/orders', { msisdn });
    assert.equal(status, 201, JSON.stringify(body));
    return body.id;
  }

  async placed({ msisdn, currency, method, amount = '1000' }: OrderWish): Promise<{ id: string; url: string }> {
    const id = await this.draft(msisdn);
    const quoted = await this.call('POST', `/v1/orders/${id}/quote`, { amount, currency, method });
    assert.equal(quoted.status, 200, JSON.stringify(quoted.body));
    const { status, body } = await this.pay(id);
    assert.equal(status, 200, JSON.stringify(body));
    return { id, url: body.url ?? '' };
  }

  pay(id: string): Promise<OrderAnswer> {
    const back = `${this.#url()}/en/orders/${id}`;
    return this.call('POST', `/v1/orders/${id}/payment`, { returnUrl: back, cancelUrl: back });
  }

  /** What the payer does on the provider's page: the form a browser would send. `seconds`: how long a slow payment takes. */
  async atProvider(url: string, outcome: string, seconds = 20): Promise<void> {
    const body = new URLSearchParams({ outcome, seconds: String(seconds) });
    const response = await fetch(url, { method: 'POST', redirect: 'manual', body });
    assert.ok(response.status < 400, `the provider's page answers ${response.status}`);
  }

  async until(id: string, isReached: (view: View) => boolean, seconds = 20): Promise<View> {
    const giveUpAt = performance.now() + seconds * 1_000;
    for (;;) {
      const { body } = await this.call('GET', `/v1/orders/${id}`);
      if (isReached(body)) return body;
      if (performance.now() > giveUpAt) assert.fail(`still ${body.state}`);
      await delay(50);
    }
  }
}
