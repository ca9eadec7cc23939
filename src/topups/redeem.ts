import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { eventId, referenceOf, type Uuid } from '../base/ids.ts';
import { formatAmount, type Unit } from '../base/money.ts';
import { Refusal } from '../base/refusal.ts';
import type { Answer, Turn, Tx } from '../db/index.ts';
import {
  type AccountId,
  type LedgerEvent,
  mainAccount,
  openAccounts,
  openBuckets,
  type PartyId,
  readAvailable,
  settle,
  systemAccount,
} from '../ledger/index.ts';
import * as notices from '../notices/index.ts';
import type { Holder, NumberRef, Subscribers } from '../parties/index.ts';
import {
  type Attempt,
  decideAttempts,
  type KnownValues,
  record,
  survey,
  type Value,
  type Verdict,
  type Voucher,
} from '../vouchers/index.ts';

/** What a redemption came to. `credited` moved money now; `already_credited` says the same card credited the same number before. */
export type Redemption = {
  readonly status: 'credited' | 'already_credited';
  readonly id: Uuid;
  readonly reference: string;
  readonly serial: string;
  readonly values: readonly { readonly unit: Unit; readonly amount: string; readonly expiresAt: string | null }[];
  /** Main money after it, decimal text in tenge. */
  readonly balance: string;
  readonly currency: 'KZT';
  readonly redeemedAt: string;
};

export type RedeemItem = {
  readonly attempt: Attempt;
  readonly target: NumberRef;
  readonly operator: string | undefined;
};

const DAY_MS = 86_400_000;

type Plan = {
  readonly item: RedeemItem;
  readonly voucher: Voucher;
  readonly subscriber: PartyId;
  readonly values: readonly Value[];
  readonly event: Uuid;
};

/**
 * One batch of redemptions, one transaction, two round trips: find vouchers, bars and people; then the terminal facts, transfers,
 * balances, counters and notices together with the COMMIT. Good and bad attempts take the same path and the same time.
 */
export function redeemBatch(deps: { subscribers: Subscribers; clock: Clock }) {
  const knownValues: KnownValues = new Map();
  return async (tx: Tx, items: readonly RedeemItem[], turn: Turn): Promise<() => Promise<Answer<Redemption>[]>> => {
    const now = deps.clock.now();
    const attempts = items.map((item) => item.attempt);
    const [scene, known] = await Promise.all([
      survey(tx, attempts, { now, knownValues }),
      deps.subscribers.find(tx, [...new Set(items.map((item) => item.target.index))]),
    ]);
    const { verdicts, refusals } = decideAttempts(scene, attempts, (attempt) => known.get(attempt.target));
    const planned = await plan(deps, {
      tx,
      items,
      verdicts: verdicts,
      known,
      values: scene.values,
    });
    const expiring = await openExpiring(tx, planned.plans, now);
    const events = planned.plans.map((one) => eventOf(one, expiring, turn.stripe));
    openOtherUnits(tx, planned.plans);
    record(tx, scene, {
      ends: planned.plans.map((one) => ({
        voucher: one.voucher,
        subscriber: one.subscriber,
        event: one.event,
        channel: one.item.attempt.channel,
        actor: one.item.attempt.actor,
      })),
      refusals,
      stripe: turn.stripe,
    });
    notices.owe(
      tx,
      planned.plans.map((one) => ({ subscriber: one.subscriber, event: one.event, kind: 'voucher_credited' })),
    );
    const { balances } = settle(tx, { sight: { known: new Map(), accounts: new Map() }, events, at: now, read: true });
    const before = await balancesOfRepeats(tx, planned);
    return async () =>
      answersOf({ items, ...planned, balances: new Map([...before, ...(await balances())]), events, now });
  };
}

type Planning = {
  tx: Tx;
  items: readonly RedeemItem[];
  verdicts: readonly Verdict[];
  known: ReadonlyMap<Uuid, Holder>;
  values: ReadonlyMap<bigint, readonly Value[]>;
};
type Planned = {
  readonly plans: readonly Plan[];
  readonly verdicts: readonly Verdict[];
  readonly planOf: ReadonlyMap<Uuid, Plan>;
  readonly holders: ReadonlyMap<Uuid, PartyId>;
  readonly values: ReadonlyMap<bigint, readonly Value[]>;
};

async function plan(
  deps: { subscribers: Subscribers },
  { tx, items, verdicts, known, values }: Planning,
): Promise<Planned> {
  const redeeming = items.flatMap((item, index) => {
    const verdict = verdicts[index];
    return verdict && !(verdict instanceof Refusal) && verdict.kind === 'redeem'
      ? [{ item, voucher: verdict.voucher }]
      : [];
  });
  const opened = await deps.subscribers.register(
    tx,
    redeeming
      .filter(({ item }) => !known.has(item.target.index))
      .map(({ item, voucher }) => ({
        ...item.target,
        operator: item.attempt.gateway ?? item.operator ?? voucher.operator,
      })),
  );
  const holders = new Map([...known, ...opened].map(([index, subscriber]) => [index, subscriber.id]));
  const plans = redeeming.map(({ item, voucher }) => ({
    item,
    voucher,
    subscriber: present(holders.get(item.target.index), 'a redemption has a subscriber'),
    values: present(values.get(voucher.batch), 'a batch has values'),
    event: redemptionEvent(voucher),
  }));
  return { plans, verdicts, planOf: new Map(plans.map((one) => [one.voucher.mac, one])), holders, values };
}

/** One event a voucher, whoever asks and however often. */
function redemptionEvent(voucher: Voucher): Uuid {
  return eventId('voucher', voucher.mac);
}

/** Accounts for those values that end, keyed by plan and leg. */
async function openExpiring(
  tx: Tx,
  plans: readonly Plan[],
  now: Date,
): Promise<ReadonlyMap<Value, Map<Uuid, AccountId>>> {
  const wanted = plans.flatMap((one) =>
    one.values.flatMap((value) =>
      value.validDays === undefined ? [] : [{ one, value, expiresAt: expiryOf(value.validDays, now) }],
    ),
  );
  const accounts = await openBuckets(
    tx,
    wanted.map(({ one, value, expiresAt }) => ({ party: one.subscriber, unit: value.unit, expiresAt })),
  );
  const byValue = new Map<Value, Map<Uuid, AccountId>>();
  wanted.forEach(({ one, value }, index) => {
    const byEvent = byValue.get(value) ?? new Map<Uuid, AccountId>();
    byEvent.set(one.event, present(accounts[index], 'each bucket has an account'));
    byValue.set(value, byEvent);
  });
  return byValue;
}

/** Main money is opened with the subscriber; the other units of a card are opened when the first one comes. */
function openOtherUnits(tx: Tx, plans: readonly Plan[]): void {
  const accounts = plans.flatMap((one) =>
    one.values.flatMap((value) =>
      value.validDays !== undefined || value.unit === 'KZT' ? [] : [mainAccount(one.subscriber, value.unit)],
    ),
  );
  if (accounts.length === 0) return;
  openAccounts(
    tx,
    [...new Set(accounts)].sort((a, b) => (a < b ? -1 : 1)).map((id) => ({ id, kind: 'subscriber', floor: 0n })),
  );
}

function expiryOf(validDays: number, from: Date): Date {
  return new Date(from.getTime() + validDays * DAY_MS);
}

function eventOf(one: Plan, expiring: ReadonlyMap<Value, ReadonlyMap<Uuid, AccountId>>, stripe: number): LedgerEvent {
  const legs = one.values.map((value) => ({
    debit: systemAccount('voucher_outstanding', value.unit, stripe),
    credit: expiring.get(value)?.get(one.event) ?? mainAccount(one.subscriber, value.unit),
    amount: value.amount,
  }));
  return { id: one.event, code: 'voucher', kind: 'posted', legs };
}

/** Main money of those who only asked again. */
async function balancesOfRepeats(tx: Tx, planned: Planned): Promise<Map<AccountId, bigint>> {
  const accounts = planned.verdicts.flatMap((verdict) => {
    if (verdict instanceof Refusal || planned.planOf.has(verdict.voucher.mac)) return [];
    return verdict.voucher.end?.subscriber === undefined ? [] : [mainAccount(verdict.voucher.end.subscriber, 'KZT')];
  });
  const rows = await readAvailable(tx, [...new Set(accounts)], false);
  return new Map([...rows].map(([id, row]) => [id, row.available]));
}

function answersOf(
  input: Planned & {
    items: readonly RedeemItem[];
    balances: Map<AccountId, bigint>;
    events: readonly LedgerEvent[];
    now: Date;
  },
): Answer<Redemption>[] {
  const after = balanceAfterEach(input.events, input.balances);
  const credited = new Set<Uuid>();
  return input.items.map((item, index) => {
    const verdict = present(input.verdicts[index], 'each attempt has a verdict');
    if (verdict instanceof Refusal) return verdict;
    const event = redemptionEvent(verdict.voucher);
    const holder = present(input.holders.get(item.target.index), 'a credited number has a subscriber');
    const main = mainAccount(holder, 'KZT');
    const first = verdict.kind === 'redeem' && !credited.has(event);
    credited.add(event);
    return redemptionOf(verdict.voucher, {
      status: first ? 'credited' : 'already_credited',
      values: input.values.get(verdict.voucher.batch) ?? [],
      balance: after.get(event)?.get(main) ?? input.balances.get(main) ?? 0n,
      at: verdict.voucher.end?.at ?? input.now,
    });
  });
}

/** Balances after each event: what the database answered is after the whole batch, so later credits are taken off again. */
function balanceAfterEach(
  events: readonly LedgerEvent[],
  final: ReadonlyMap<AccountId, bigint>,
): Map<Uuid, Map<AccountId, bigint>> {
  const running = new Map(final);
  const after = new Map<Uuid, Map<AccountId, bigint>>();
  for (const event of [...events].reverse()) {
    after.set(event.id, new Map(event.legs.map((leg) => [leg.credit, running.get(leg.credit) ?? 0n])));
    for (const leg of event.legs) running.set(leg.credit, (running.get(leg.credit) ?? 0n) - leg.amount);
  }
  return after;
}

function redemptionOf(
  voucher: Voucher,
  told: { status: Redemption['status']; values: readonly Value[]; balance: bigint; at: Date },
): Redemption {
  const id = redemptionEvent(voucher);
  return {
    status: told.status,
    id,
    reference: referenceOf(id),
    serial: String(voucher.serial),
    values: told.values.map((value) => ({
      unit: value.unit,
      amount: formatAmount(value.amount, value.unit),
      expiresAt: value.validDays === undefined ? null : expiryOf(value.validDays, told.at).toISOString(),
    })),
    balance: formatAmount(told.balance, 'KZT'),
    currency: 'KZT',
    redeemedAt: told.at.toISOString(),
  };
}
