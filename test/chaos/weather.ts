import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../../simulators/wire/faults.ts';
import type { ProviderId } from '../../src/payments/index.ts';
import type { Parties } from './books.ts';
import { pick } from './plan.ts';

type Party = ProviderId | 'operators';
/** What a simulator's control address is asked for, and for how long. */
type Spell = { readonly name: string; readonly wishes: Readonly<Record<string, unknown>>; readonly ms: number };
type Weighted = readonly (readonly [() => Spell, number])[];

const parties: readonly Party[] = ['stripe', 'paypal', 'sandbox', 'operators'];

/** Where the calls of the platform go, never those of a payer's browser. */
const apis: Readonly<Record<Party, readonly string[]>> = {
  stripe: ['POST /v1/checkout/sessions', 'GET /v1/checkout/sessions', 'POST /v1/refunds', 'GET /v1/refunds'],
  paypal: ['POST /v2/checkout/orders', 'GET /v2/checkout/orders', 'POST /v2/payments/captures', 'POST /v1/oauth2'],
  sandbox: ['POST /payments', 'GET /payments', 'POST /refunds'],
  operators: ['GET /osmp', 'POST /dtone/v1/async', 'GET /dtone/v1/transactions', 'GET /osmp'],
};

const kinds: readonly Fault['kind'][] = ['drop', 'lose', 'lose', 'status', 'garble', 'delay'];
const statuses = [500, 502, 503, 504, 429] as const;

/** Longer than an operator is waited for. */
const LATE_MS = 1_400;
const OUTAGE_MS = 20_000;
const ENDLESS = 1_000_000;

/** Each party outside has good days and bad ones, one after the other, independently of the rest. */
export class Weather {
  /** How often each kind of spell came. */
  readonly spells = new Map<string, number>();
  /** How many calls met a fault, by kind. */
  readonly met = new Map<string, number>();
  readonly #parties: Parties;
  readonly #random: () => number;
  #isOver = false;
  #changing: Promise<void>[] = [];

  constructor(world: Parties, random: () => number) {
    this.#parties = world;
    this.#random = random;
  }

  start(): void {
    this.#changing = parties.map((party) => this.#change(party));
  }

  /** Fine from now on. */
  async clear(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#changing);
  }

  async #change(party: Party): Promise<void> {
    let coming: readonly Fault[] = [];
    while (!this.#isOver) {
      const spell = pick(this.#random, party === 'operators' ? this.#ofOperators() : this.#ofProviders(party))();
      await this.#count(party, coming);
      await this.#parties.control(party, '', spell.wishes);
      coming = (spell.wishes.faults ?? []) as Fault[];
      this.spells.set(`${party} ${spell.name}`, (this.spells.get(`${party} ${spell.name}`) ?? 0) + 1);
      for (let left = spell.ms; left > 0 && !this.#isOver; left -= 100) await delay(Math.min(left, 100));
    }
    await this.#count(party, coming);
    await this.#parties.control(party, '', party === 'operators' ? calmOperators : {});
  }

  /** What was asked for and is not still to come was met. */
  async #count(party: Party, asked: readonly Fault[]): Promise<void> {
    if (asked.length === 0) return;
    const left: readonly Fault[] = (await this.#parties.control(party, '')).faults;
    for (const { kind, at, times = 1 } of asked) {
      const still = left.find((one) => one.kind === kind && one.at === at)?.times ?? 0;
      const name = `${party} ${kind}`;
      this.met.set(name, (this.met.get(name) ?? 0) + times - still);
    }
  }

  #some(): number {
    return 600 + this.#random() * 1_500;
  }

  #faults(party: Party): Fault[] {
    const any = <T>(list: readonly T[]): T => list[Math.floor(this.#random() * list.length)] as T;
    const fault = (): Fault => {
      const kind = any(kinds);
      return {
        kind,
        at: any(apis[party]),
        times: 1 + Math.floor(this.#random() * 6),
        ...(kind === 'delay' && { ms: this.#random() * LATE_MS }),
        ...(kind === 'status' && { status: any(statuses) }),
        // Half an answer, another answer, or none.
        ...(kind === 'garble' &&
          this.#random() < 0.5 && { body: any(['', '{}', '<html>', '{"id":"other","status":"COMPLETED"}']) }),
      };
    };
    return [fault(), fault(), fault()];
  }

  #ofProviders(party: ProviderId): Weighted {
    const ms = this.#some();
    const spell =
      (name: string, wishes: Spell['wishes'], lasts = ms) =>
      (): Spell => ({ name, wishes, ms: lasts });
    const outage = apis[party].map((at): Fault => ({ kind: 'status', at, times: ENDLESS, status: 503 }));
    const refunds = party === 'stripe' ? 'succeeded' : 'done';
    return [
      [spell('fine', {}), 20],
      [spell('webhooks lost', { lose: 0.6 }), 10],
      [spell('no webhooks', { lose: 1 }), 6],
      [spell('webhooks repeated', { duplicate: 1 + Math.floor(this.#random() * 8) }), 12],
      [spell('webhooks reordered', { reorder: true, duplicate: 1 }), 12],
      [spell('webhooks late', { delayMs: 500 + this.#random() * 4_000 }), 10],
      [spell('webhooks forged', { wrongSignature: true }), 6],
      [spell('webhooks stale', { stale: true }), 4],
      [spell('faults', { faults: this.#faults(party), refunds: party === 'paypal' ? undefined : refunds }), 24],
      [spell('faults and lost webhooks', { faults: this.#faults(party), lose: 0.5 }), 8],
      [spell('outage', { faults: outage }, OUTAGE_MS), 0.5],
      [
        spell('refunds under way', party === 'paypal' ? { nextRefund: { status: 'PENDING' } } : { refunds: 'pending' }),
        6,
      ],
      [
        spell('refunds fail', party === 'paypal' ? { nextRefund: { status: 'FAILED' } } : { refunds: 'failed' }, 500),
        2,
      ],
      [spell('another amount', { wrongAmount: true }, 400), 1.5],
      [spell('another currency', { wrongCurrency: true }, 400), 1],
      [spell('another order', { foreignOrder: true }, 400), 1],
      ...(party === 'paypal' ? this.#ofPaypal(spell) : []),
    ];
  }

  #ofPaypal(spell: (name: string, wishes: Spell['wishes'], lasts?: number) => () => Spell): Weighted {
    return [
      [
        spell('capture of another amount', { nextCapture: { amount: { currency_code: 'USD', value: '0.01' } } }, 400),
        1.5,
      ],
      [spell('webhooks that lie', { lies: ['amount', 'currency'] }), 4],
      [spell('capture refused', { nextCapture: { issue: 'TRANSACTION_REFUSED' } }, 400), 2],
      [spell('refund refused', { nextRefund: { issue: 'REFUND_NOT_ALLOWED' } }, 400), 1],
      [spell('certificates of a stranger', { certUrl: 'http://127.0.0.1:9/v1/notifications/certs/CERT-1' }), 2],
    ];
  }

  #ofOperators(): Weighted {
    const ms = this.#some();
    const spell = (name: string, wishes: Spell['wishes']) => (): Spell => ({
      name,
      wishes: { ...calmOperators, ...wishes },
      ms,
    });
    const at = (call: string, kind: Fault['kind']): Fault => ({
      kind,
      at: call,
      times: 8,
      ...(kind === 'delay' && { ms: LATE_MS }),
    });
    return [
      [spell('fine', {}), 20],
      [spell('credited, then silent', { faults: [at('GET /osmp', 'lose'), at('POST /dtone/v1/async', 'lose')] }), 14],
      [spell('credited, then late', { faults: [at('GET /osmp', 'delay'), at('POST /dtone/v1/async', 'delay')] }), 10],
      [spell('connections dropped', { faults: [at('GET /osmp', 'drop'), at('POST /dtone/v1/async', 'drop')] }), 10],
      [
        spell('enquiries unanswered', {
          faults: [at('GET /dtone/v1/transactions', 'drop'), at('GET /osmp', 'garble')],
        }),
        8,
      ],
      [spell('faults', { faults: this.#faults('operators') }), 16],
      [spell('in doubt', { hesitate: 4 }), 8],
      [spell('no funds', { funds: false }), 3],
      [spell('callbacks lost', { callbacks: { lose: 1 } }), 5],
      [spell('callbacks repeated', { callbacks: { duplicate: 5, reorder: true } }), 6],
    ];
  }
}

/** What is not named at the operators' control address stays as it was. */
const calmOperators = { faults: [], hesitate: 0, funds: true, callbacks: {} };
