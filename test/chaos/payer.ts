import { setTimeout as delay } from 'node:timers/promises';
import type { ProviderId } from '../../src/payments/index.ts';
import type { OrderView, Patience } from '../../src/topups/index.ts';
import type { Charged, Parties } from './books.ts';
import { forge } from './forgery.ts';
import { corrected, type Plan } from './plan.ts';
import type { Answer, Site } from './site.ts';

export type Page = { readonly provider: ProviderId; readonly id: string; readonly url: string };

const POLL_MS = 250;
const LOOKS_MAX = 400;
const SLOW_SECONDS = 2;
/** Of refunds that a provider first calls under way. */
const REFUNDS_GOOD = 0.8;

/** Somebody who tops up a phone. Remembers what they were told and where they have paid: the book that counts most. */
export class Payer {
  readonly plan: Plan;
  readonly pages: Page[] = [];
  /** What the shop's staff have given back at the provider, past the platform, by payment. */
  readonly returned = new Map<string, { readonly amount: bigint; readonly at: Date }>();
  /** Refunds of ours that the payer's bank has sent back, by payment. */
  readonly sentBack = new Map<string, { readonly amount: bigint; readonly at: Date }>();
  /** What the payer's bank has been asked to take back, by the provider's name for the dispute. */
  readonly disputes = new Map<string, Charged>();
  /** What cannot be true. */
  readonly contradictions: string[] = [];
  id: string | undefined;
  number: string;
  last: OrderView | undefined;
  readonly #site: Site;
  readonly #parties: Parties;
  readonly #random: () => number;
  readonly #patience: Patience;

  constructor(plan: Plan, world: { site: Site; parties: Parties; random: () => number; patience: Patience }) {
    this.plan = plan;
    this.number = plan.number;
    this.#site = world.site;
    this.#parties = world.parties;
    this.#random = world.random;
    this.#patience = world.patience;
  }

  /** From the first screen to the end. */
  async live(): Promise<void> {
    const { operator, method } = this.plan;
    const drafted = await this.#ask('/v1/orders', { msisdn: this.number, operator });
    if (drafted.status !== 201) throw new Error(`no draft: ${drafted.status} ${JSON.stringify(drafted.body)}`);
    this.id = drafted.body.id;
    const page = await this.#choose(method);
    if (page) await this.#act(page);
    await this.watch();
  }

  async #act(page: Page): Promise<void> {
    switch (this.plan.act) {
      case 'pay':
        return this.#pay(page);
      case 'decline_then_pay':
        await this.#parties.press(page.url, 'decline');
        return this.#pay(page);
      case 'decline':
        await this.#parties.press(page.url, 'decline');
        return;
      case 'leave':
        await this.#parties.press(page.url, 'leave');
        return;
      case 'slow':
        return this.#paySlowly(page, true);
      case 'slow_then_fail':
        return this.#paySlowly(page, false);
      case 'after_expiry':
        await this.#until((view) => view.state === 'expired', this.#patience.quoteMs * 3);
        return this.#pay(page);
      case 'twice':
        return this.#payTwice(page);
      case 'revise_then_pay':
        return this.#revise();
      case 'race_revision': {
        const revised = this.#revise();
        await delay(this.#random() * 150);
        await this.#pay(page);
        return revised;
      }
      case 'forge':
        return this.#forge(page);
    }
  }

  /** Chooses, presses the button (perhaps several times at once), and is sent to a page; undefined where the order cannot be paid any more. */
  async #choose(method: ProviderId): Promise<Page | undefined> {
    const { amount, currency, clicks } = this.plan;
    for (let tries = 0; tries < 20; tries += 1) {
      const confirm = this.number.slice(-4);
      const quoted = await this.#ask(`/v1/orders/${this.id}/quote`, { amount, currency, method, confirm });
      if (quoted.status === 409) return undefined;
      if (quoted.status !== 200) throw new Error(`no quote: ${quoted.status} ${JSON.stringify(quoted.body)}`);
      const page = await this.#place(method, clicks);
      if (page !== 'again') return page;
    }
    return undefined;
  }

  async #place(provider: ProviderId, clicks: number): Promise<Page | undefined | 'again'> {
    const body = { returnUrl: `http://shop.example/${this.id}`, cancelUrl: `http://shop.example/${this.id}/pay` };
    const until = performance.now() + this.#patience.quoteMs;
    for (;;) {
      const asked = Array.from({ length: clicks }, () =>
        this.#site.ask(`/v1/orders/${this.id}/payment`, { body, visitor: this.plan.no, patient: false }),
      );
      const answers = await Promise.all(asked);
      const urls = new Set(answers.flatMap(({ status, body: said }) => (status === 200 ? [String(said.url)] : [])));
      if (urls.size > 1) this.contradictions.push(`clicks lead to different pages: ${[...urls].join(' ')}`);
      const [url] = urls;
      if (url !== undefined) {
        const page = { provider, id: this.#parties.idOf(provider, url), url };
        this.pages.push(page);
        return page;
      }
      const refused = answers.find(({ status }) => status < 500);
      if (refused) return this.#afterRefusal(refused);
      // The provider is away. Who has waited for long enough begins again.
      if (performance.now() > until) return this.#startAgain();
      await delay(POLL_MS);
    }
  }

  async #afterRefusal({ status, body }: Answer): Promise<undefined | 'again'> {
    if (body.code === 'quote.expired') return 'again';
    if (body.code === 'order.wrong_state') return this.#startAgain();
    throw new Error(`no payment: ${status} ${JSON.stringify(body)}`);
  }

  async #startAgain(): Promise<undefined | 'again'> {
    await this.#step('revise');
    const { state } = await this.look();
    return state === 'draft' || state === 'quoted' ? 'again' : undefined;
  }

  async #pay(page: Page): Promise<void> {
    await this.#parties.press(page.url, 'pay');
    if (this.plan.returns) await this.#step('returned');
  }

  async #paySlowly(page: Page, succeeds: boolean): Promise<void> {
    await this.#parties.press(page.url, succeeds ? 'late' : 'late_fail', SLOW_SECONDS);
    if (this.plan.returns) await this.#step('returned');
    await delay(SLOW_SECONDS * 1_000);
    // PayPal takes the money when we say so, which may be later.
    for (let looks = 0; looks < 8; looks += 1) {
      await this.#parties.endSlow(page.provider, page.id, succeeds);
      await delay(POLL_MS);
    }
  }

  /** A slow payment is under way when the payer loses patience and pays in another way; then both come. */
  async #payTwice(page: Page): Promise<void> {
    await this.#parties.press(page.url, 'late', SLOW_SECONDS * 2);
    await this.#until(({ payment }) => payment?.state === 'pending', SLOW_SECONDS * 1_000);
    await this.#step('revise');
    const second = await this.#choose(this.plan.other);
    if (second) await this.#pay(second);
    await delay(SLOW_SECONDS * 1_000);
    await this.#parties.endSlow(page.provider, page.id, true);
  }

  async #revise(): Promise<void> {
    const revised = await this.#step('revise');
    if (revised.status !== 200) return;
    const page = await this.#choose(this.plan.other);
    if (page) await this.#pay(page);
  }

  async #forge(page: Page): Promise<void> {
    const { quote, payment } = await this.look();
    if (!quote || !payment) return;
    const amountMinor = Number(quote.charge.amount.replace('.', ''));
    const target = {
      orderId: this.id ?? '',
      no: payment.no,
      id: page.id,
      currency: quote.charge.currency,
      amountMinor,
    };
    for (const { name, ...notification } of forge(page.provider, target, this.#parties.settings)) {
      const status = await this.#site.notify(page.provider, notification);
      if (status < 400) this.contradictions.push(`a notification ${name} was answered with ${status}`);
    }
  }

  /** Looks until it has ended, and does what was planned on the way. */
  async watch(): Promise<void> {
    let isPaid = false;
    let corrections = 0;
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const view = await this.look();
      if (!isPaid && view.payment?.state === 'captured') {
        isPaid = true;
        await this.#afterPaying(view);
      }
      if (view.state === 'refused' && corrections < 2) {
        corrections += 1;
        await this.#whenRefused();
      }
      await this.endRefunds(view);
      if (view.isFinal || view.state === 'draft' || view.state === 'quoted') break;
      await delay(POLL_MS);
    }
    if (this.plan.isSentBack && this.last?.state === 'refunded') await this.#sendBack(this.last);
    if (this.plan.afterwards.startsWith('dispute') && this.last?.state === 'delivered') await this.#dispute();
  }

  async #afterPaying(view: OrderView): Promise<void> {
    switch (this.plan.afterwards) {
      case 'take_back':
        await this.#step('refund');
        return;
      case 'correct_early':
        await this.#correct();
        return;
      case 'provider_returns_all':
      case 'provider_returns_part':
        await delay(this.#random() * 1_200);
        return this.#returnPast(view);
      default:
    }
  }

  async #whenRefused(): Promise<void> {
    if (this.plan.whenRefused === 'correct') await this.#correct();
    if (this.plan.whenRefused === 'take_back') await this.#step('refund');
  }

  async #correct(): Promise<void> {
    const msisdn = corrected(this.number);
    const { operator } = this.plan;
    const answer = await this.#ask(`/v1/orders/${this.id}/recipient`, { msisdn, operator }, 'PUT');
    if (answer.status === 200) this.number = msisdn;
  }

  /** PayPal has no such thing. */
  async #sendBack(view: OrderView): Promise<void> {
    const charged = await this.#charged(this.pages.findLast(({ provider }) => provider === view.payment?.provider));
    const refund = view.refunds.find(({ state, reason }) => state === 'done' && reason !== 'refund.elsewhere');
    if (!charged || !refund || charged.provider === 'paypal' || this.returned.size > 0 || view.refunds.length > 1)
      return;
    const amount = BigInt(refund.amount.amount.replace('.', ''));
    if (charged.captured !== amount) return;
    const at = new Date();
    const asked = { reference: `${this.id}/refund/${refund.no}`, payment: charged.id, money: refund.amount };
    const id = charged.provider === 'stripe' ? charged.refunds[0]?.id : (await this.#parties.sandboxRefund(asked)).id;
    if (id === undefined) return;
    await this.#parties.endRefund(charged.provider, id, false);
    this.sentBack.set(`${charged.provider} ${charged.id}`, { amount, at });
  }

  async #charged(page: Page | undefined): Promise<Charged | undefined> {
    return page && this.#parties.charged(page.provider, page.id);
  }

  async #returnPast({ payment }: OrderView): Promise<void> {
    const charged = await this.#charged(this.pages.findLast(({ provider }) => provider === payment?.provider));
    if (!charged || charged.captured === 0n) return;
    const amount = this.plan.afterwards === 'provider_returns_all' ? charged.captured : charged.captured / 3n;
    const key = `${charged.provider} ${charged.id}`;
    const at = new Date();
    if (await this.#parties.giveBack(charged, { name: `staff-${charged.id}`, amount }))
      this.returned.set(key, { amount, at });
  }

  async #dispute(): Promise<void> {
    const charged = await this.#charged(
      this.pages.findLast(({ provider }) => provider === this.last?.payment?.provider),
    );
    if (!charged || charged.captured === 0n) return;
    const id = await this.#parties.dispute(charged);
    this.disputes.set(id, charged);
    if (this.plan.afterwards === 'dispute_open') return;
    await delay(POLL_MS);
    await this.#parties.decide(charged.provider, id, this.plan.afterwards === 'dispute_won');
  }

  /** Refunds that the provider calls under way come to their end there. */
  async endRefunds(view: OrderView): Promise<void> {
    const pending = view.refunds.filter(({ state }) => state === 'pending');
    if (pending.length === 0) return;
    for (const { provider, id } of this.pages) {
      const charged = await this.#parties.charged(provider, id);
      for (const refund of charged?.refunds ?? [])
        if (refund.state === 'pending')
          await this.#parties.endRefund(provider, refund.id, this.#random() < REFUNDS_GOOD);
      if (provider === 'sandbox' && charged?.captured) await this.#endSandboxRefunds(charged, pending);
    }
  }

  async #endSandboxRefunds(charged: Charged, pending: OrderView['refunds']): Promise<void> {
    for (const { no, amount } of pending) {
      if (amount.currency !== charged.currency) continue;
      const asked = { reference: `${this.id}/refund/${no}`, payment: charged.id, money: amount };
      const refund = await this.#parties.sandboxRefund(asked).catch(() => undefined);
      if (refund?.state === 'pending')
        await this.#parties.endRefund('sandbox', refund.id, this.#random() < REFUNDS_GOOD);
    }
  }

  async look(): Promise<OrderView> {
    const { status, body } = await this.#site.ask(`/v1/orders/${this.id}`, { visitor: this.plan.no });
    if (status !== 200) throw new Error(`an order that was there is not: ${status} ${JSON.stringify(body)}`);
    const view: OrderView = body;
    this.#compare(this.last, view);
    this.last = view;
    return view;
  }

  /** What was told once stays true, whatever is killed in between. */
  #compare(before: OrderView | undefined, now: OrderView): void {
    if (before === undefined) return;
    const isEnd = before.state === 'delivered' || before.state === 'refunded';
    if (isEnd && now.state !== before.state && this.sentBack.size === 0)
      this.contradictions.push(`${before.state} became ${now.state}`);
    const lost = before.refunds.filter(({ no }) => !now.refunds.some((one) => one.no === no));
    if (lost.length > 0) this.contradictions.push('a refund that was promised is gone');
    if (
      before.payment?.state === 'captured' &&
      before.payment.no === now.payment?.no &&
      now.payment.state !== 'captured'
    )
      this.contradictions.push(`a captured payment became ${now.payment.state}`);
    if (now.refunds.some(({ promisedBy }) => !/^\d{4}-\d\d-\d\d$/.test(promisedBy)))
      this.contradictions.push('a refund without a day by which it arrives');
  }

  async #until(isSo: (view: OrderView) => boolean, withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    while (performance.now() < until && !isSo(await this.look())) await delay(POLL_MS);
  }

  #step(path: 'revise' | 'returned' | 'refund'): Promise<Answer> {
    return this.#ask(`/v1/orders/${this.id}/${path}`, undefined, 'POST');
  }

  #ask(path: string, body: unknown, method = 'POST'): Promise<Answer> {
    return this.#site.ask(path, { method, ...(body === undefined ? {} : { body }), visitor: this.plan.no });
  }
}
