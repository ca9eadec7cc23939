import { setTimeout as delay } from 'node:timers/promises';
import { agentPaymentId } from '../../src/topups/index.ts';
import type { TestAgent } from '../support/agents.ts';

/** `askedAt`: when the attempt that was answered began. */
type Answer = { readonly status: number; readonly body: string; readonly askedAt: number };

/** A credit that was acknowledged: how much, in tiyn, to which number. */
export type Credit = { readonly amountMinor: bigint; readonly msisdn: string };

export type ClientOptions = {
  readonly url: string;
  readonly token: string;
  readonly agent: TestAgent;
  readonly pins: readonly string[];
  readonly ussdSecret: string;
  readonly random: () => number;
};

const WORKERS = 24;
const RETRY_MS = 20;
const ANSWER_MS = 15_000;
const TOPUP_MINOR = 100_00n;
const CARD_MINOR = 500_00n;

/**
 * Partners, kiosks and phones that never give up: each command is repeated, with its own key, until it is answered, across every kill. What
 * was answered is kept here, outside the platform.
 */
export class Clients {
  /** By ledger event. */
  readonly credits = new Map<string, Credit>();
  /** Answers that cannot both be true. */
  readonly contradictions: string[] = [];
  readonly #options: ClientOptions;
  #nextKey = 0;
  #nextPin = 0;
  #running = false;
  #abandoned = false;
  #workers: Promise<void>[] = [];
  #waiter: { readonly since: number; readonly tell: (at: number) => void } | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#workers = Array.from({ length: WORKERS }, (_, worker) => this.#work(worker));
  }

  /** When a credit was acknowledged that was asked for after `since`: an answer that was under way already proves nothing. */
  nextCredit(since: number, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no good credit within ${timeoutMs} ms of a kill`)), timeoutMs);
      const tell = (at: number): void => {
        clearTimeout(timer);
        resolve(at);
      };
      this.#waiter = { since, tell };
    });
  }

  /** Lets every command under way come to its answer. */
  async finish(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#workers);
  }

  abandon(): void {
    this.#running = false;
    this.#abandoned = true;
  }

  async #work(worker: number): Promise<void> {
    while (this.#running) {
      const dice = this.#options.random();
      const number = `7701${String(worker * 1_000 + Math.floor(this.#options.random() * 1_000)).padStart(7, '0')}`;
      if (dice < 0.3) await this.#topup(number);
      else if (dice < 0.5) await this.#pay(number);
      else if (dice < 0.6) await this.#bulk(number);
      else await this.#card(number, worker, dice < 0.8);
    }
  }

  async #topup(msisdn: string): Promise<void> {
    this.#nextKey += 1;
    const headers = { 'idempotency-key': `crash-${this.#nextKey}` };
    const answer = await this.#ask('/v1/topups', { msisdn, amount: '100.00', currency: 'KZT' }, headers);
    if (answer?.status !== 201) return;
    this.#acknowledge(JSON.parse(answer.body).id, { amountMinor: TOPUP_MINOR, msisdn }, answer.askedAt);
  }

  /** A kiosk asks until it has a final result; every other time it asks once more, and must hear the same. */
  async #pay(msisdn: string): Promise<void> {
    this.#nextKey += 1;
    const { agent } = this.#options;
    const txnId = String(this.#nextKey);
    const times = 1 + (this.#nextKey % 2);
    const query = `command=pay&txn_id=${txnId}&txn_date=20261124153000&account=${msisdn.slice(1)}&sum=100.00`;
    const names: string[] = [];
    while (names.length < times && !this.#abandoned) {
      const answer = await this.#send(`/osmp/${agent.name}?${query}`, { method: 'GET' });
      const [, name = ''] = /<prv_txn>(\d+)<\/prv_txn><sum>100\.00<\/sum><result>0</.exec(answer?.body ?? '') ?? [];
      if (name === '') {
        if (answer && !answer.body.includes('<result>1<')) this.contradictions.push(`${txnId}: ${answer.body}`);
        await delay(RETRY_MS);
        continue;
      }
      names.push(name);
      const id = agentPaymentId({ agent: agent.id, txnId });
      this.#acknowledge(id, { amountMinor: TOPUP_MINOR, msisdn }, answer?.askedAt ?? 0);
    }
    if (new Set(names).size > 1) this.contradictions.push(`payment ${txnId} was called ${names.join(' and ')}`);
  }

  /** Items that met the kill are refused with 503, and are asked for again with their request until each has its answer. */
  async #bulk(msisdn: string): Promise<void> {
    this.#nextKey += 1;
    const headers = { 'idempotency-key': `crash-bulk-${this.#nextKey}` };
    const items = Array.from({ length: 5 }, () => ({ msisdn, amount: '100.00', currency: 'KZT' }));
    for (;;) {
      const answer = await this.#ask('/v1/topups/bulk', { items }, headers);
      if (answer?.status !== 200) return;
      const outcomes: { status: number; topup?: { id: string } }[] = JSON.parse(answer.body).items;
      for (const { topup } of outcomes)
        if (topup) this.#acknowledge(topup.id, { amountMinor: TOPUP_MINOR, msisdn }, answer.askedAt);
      if (!outcomes.some(({ status }) => status === 503)) return;
      await delay(RETRY_MS);
    }
  }

  /** One card is presented for two numbers at once; one of them at most may have it. */
  async #card(msisdn: string, worker: number, first: boolean): Promise<void> {
    const pin = this.#options.pins[this.#nextPin];
    this.#nextPin += 1;
    if (pin === undefined) return;
    const rival = `7702${String(worker * 1_000 + Math.floor(this.#options.random() * 1_000)).padStart(7, '0')}`;
    const [one, two] = await Promise.all([
      this.#redeem(msisdn, pin),
      first ? this.#redeem(rival, pin) : this.#dial(rival, pin),
    ]);
    if (one && two) this.contradictions.push(`a card credited two numbers: ${one} ${two}`);
  }

  /** The event, when this number has the card's credit. */
  async #redeem(msisdn: string, pin: string): Promise<string | undefined> {
    const answer = await this.#ask('/v1/vouchers/redemptions', { msisdn, pin }, {});
    if (answer?.status !== 201 && answer?.status !== 200) return undefined;
    const { id } = JSON.parse(answer.body);
    this.#acknowledge(id, { amountMinor: CARD_MINOR, msisdn }, answer.askedAt);
    return id;
  }

  /** The same by phone, in one go; the screen has the reference, the event is looked up over the API. */
  async #dial(msisdn: string, pin: string): Promise<string | undefined> {
    this.#nextKey += 1;
    const form = new URLSearchParams({
      sessionId: `crash-${this.#nextKey}`,
      serviceCode: '*111#',
      phoneNumber: `+${msisdn}`,
      text: pin,
    });
    const answer = await this.#send(`/ussd/at/kcell/${this.#options.ussdSecret}`, { body: form });
    return answer === undefined ? undefined : this.#redeem(msisdn, pin);
  }

  #ask(path: string, body: unknown, headers: Record<string, string>): Promise<Answer | undefined> {
    const init = {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#options.token}`, ...headers },
    };
    return this.#send(path, init);
  }

  /** Repeats until there is an answer that says something; undefined only when the run is given up. */
  async #send(path: string, init: RequestInit): Promise<Answer | undefined> {
    while (!this.#abandoned) {
      const askedAt = performance.now();
      try {
        const response = await fetch(`${this.#options.url}${path}`, {
          method: 'POST',
          signal: AbortSignal.timeout(ANSWER_MS),
          ...init,
        });
        const body = await response.text();
        if (response.status < 500) return { status: response.status, body, askedAt };
      } catch {
        // Killed under our hands: nothing is known, so the same is asked again.
      }
      await delay(RETRY_MS);
    }
    return undefined;
  }

  #acknowledge(id: string, credit: Credit, askedAt: number): void {
    const known = this.credits.get(id);
    if (known && known.msisdn !== credit.msisdn)
      this.contradictions.push(`${id} credited ${known.msisdn} and ${credit.msisdn}`);
    this.credits.set(id, credit);
    if (!this.#waiter || askedAt < this.#waiter.since) return;
    this.#waiter.tell(performance.now());
    this.#waiter = undefined;
  }
}
