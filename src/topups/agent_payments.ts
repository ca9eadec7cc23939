import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { eventId, type Uuid } from '../base/ids.ts';
import { type Keyring, mac128 } from '../base/keyring.ts';
import type { Msisdn } from '../base/msisdn.ts';
import { Refusal, type RefusalCode, refusals } from '../base/refusal.ts';
import type { Answer, Turn, Tx } from '../db/index.ts';
import {
  floatAccount,
  type LedgerEvent,
  type Leg,
  mainAccount,
  type PartyId,
  readAvailable,
  settle,
} from '../ledger/index.ts';
import * as notices from '../notices/index.ts';
import type { Holder, NumberRef, Subscribers } from '../parties/index.ts';
import * as store from './agent_store.ts';

/**
 * What an agent asks to be paid into an account, whose payer it has already taken the money from. `txnId` is the agent's own name for it and never
 * expires.
 */
export type AgentPay = {
  readonly agent: PartyId;
  readonly protocol: string;
  readonly txnId: string;
  /** By the agent's clock; undefined where it could not be read. */
  readonly txnDate: Date | undefined;
  /** As it was sent, where it is no number: a repeat must be about the same. */
  readonly account: Msisdn | { readonly unreadable: string };
  /** Tenge, in tiyn; undefined where the sum could not be read. */
  readonly amountMinor: bigint | undefined;
  readonly operator: string | undefined;
  /** Why the request itself cannot be met, seen at the door. It is kept like an answer. */
  readonly refusal: Refusal | undefined;
  /** Which refusals this protocol answers for good, and by which of its results. After any other the agent asks again, and nothing is kept. */
  readonly finals: ReadonlyMap<RefusalCode, number>;
};

/** What an agent is told for good, now and at every repeat. */
export type AgentPayment = {
  readonly prvTxn: bigint;
  /** In the protocol's own table; 0 is credited. */
  readonly result: number;
  readonly reason: RefusalCode | undefined;
  readonly amountMinor: bigint | undefined;
  /** False when this answer repeats one given before. */
  readonly fresh: boolean;
};

/** The event of one payment: the same agent and name are the same event, and no key of the API is. */
export function agentPaymentId({ agent, txnId }: store.PaymentKey): Uuid {
  return eventId('agent', String(agent), txnId);
}

export type AgentItem = AgentPay & {
  readonly event: Uuid;
  readonly number: NumberRef | undefined;
  readonly accountIndex: Uuid;
};

/** What an item is looked up and compared by. */
export function agentItem(
  pay: AgentPay,
  deps: { subscribers: Pick<Subscribers, 'refer'>; keyring: Keyring },
): AgentItem {
  const { account } = pay;
  const event = agentPaymentId(pay);
  if (typeof account !== 'string') {
    // Blind as well: what is no number of ours may be somebody's elsewhere.
    const accountIndex = mac128(deps.keyring.numberIndexKey, `account:${account.unreadable}`);
    return { ...pay, event, number: undefined, accountIndex };
  }
  const number = deps.subscribers.refer(account);
  return { ...pay, event, number, accountIndex: number.index };
}

export type AgentBatchDeps = {
  readonly subscribers: Subscribers;
  readonly clock: Clock;
  /** One `txnId` for two different payments: one of the two is the agent's mistake, or somebody else's hand. */
  readonly onConflict: (key: store.PaymentKey) => void;
};

/** What is known of an item before money is looked at. */
type Verdict =
  | { readonly kind: 'told'; readonly row: store.PaymentRow }
  /** The same as an earlier item of this batch. */
  | { readonly kind: 'twin'; readonly of: number }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'wanted' };

/**
 * One batch of payments, one transaction, two round trips, like `creditBatch`. What an agent was told before is read with it and what it is told now is
 * written with the transfers: between credit and answer there is nothing that a crash could part.
 */
export function agentBatch(deps: AgentBatchDeps) {
  return async (tx: Tx, items: readonly AgentItem[], turn: Turn): Promise<() => Promise<Answer<AgentPayment>[]>> => {
    const at = deps.clock.now();
    const asked = items.filter(isWanted);
    const floats = [...new Set(asked.map(({ agent }) => floatAccount(agent, 'KZT')))];
    const [before, holders, seen] = await Promise.all([
      store.findPayments(tx, items),
      deps.subscribers.find(tx, [...new Set(asked.map(({ number }) => number.index))]),
      turn.careful ? undefined : readAvailable(tx, floats, false),
    ]);
    const newcomers = newcomersAmong(items, before, holders);
    const opened = await deps.subscribers.register(tx, newcomers);
    const holderOf = (item: AgentItem): Holder | undefined =>
      item.number && (holders.get(item.number.index) ?? opened.get(item.number.index));
    const credits = items.flatMap((item) => accountOf(holderOf(item)));
    // Locks first: what was told while we waited for them is then seen.
    const accounts = seen ?? (await readAvailable(tx, [...new Set([...floats, ...credits])], true));
    const told = seen ? before : await store.findPayments(tx, items);
    const verdicts = verdictsOn(items, told, holderOf);
    const events = items.flatMap((item, index) =>
      verdicts[index]?.kind === 'wanted'
        ? [eventOf(item, present(holderOf(item), 'an item wanted has a holder').id)]
        : [],
    );
    const { answers } = settle(tx, { sight: { known: new Map(), accounts }, events, at });
    const answerOf = new Map(events.map((event, index) => [event.id, answers[index]]));
    notices.owe(
      tx,
      events.flatMap((event) =>
        answerOf.get(event.id) === 'posted'
          ? [{ subscriber: event.subscriber, event: event.id, kind: 'topup_credited' }]
          : [],
      ),
    );
    const ends = items.map((item, index) => endOf(item, present(verdicts[index], 'each item is judged'), answerOf));
    const written = write(tx, { items, ends, at });
    return async () => tell({ items, verdicts, ends, named: await written }, deps.onConflict);
  };
}

type Wanted = AgentItem & { readonly number: NumberRef; readonly amountMinor: bigint };

function isWanted(item: AgentItem): item is Wanted {
  return item.refusal === undefined && item.number !== undefined && item.amountMinor !== undefined;
}

const keyOf = ({ agent, txnId }: store.PaymentKey): string => `${agent}/${txnId}`;

/** A repeat opens nobody. */
function newcomersAmong(
  items: readonly AgentItem[],
  before: readonly store.PaymentRow[],
  holders: ReadonlyMap<Uuid, Holder>,
): (NumberRef & { operator: string | undefined })[] {
  const known = new Set(before.map((row) => keyOf({ agent: row.agent, txnId: row.txn_id })));
  return items
    .filter(isWanted)
    .filter((item) => !holders.has(item.number.index) && !known.has(keyOf(item)))
    .map((item) => ({ ...item.number, operator: item.operator }));
}

function accountOf(holder: Holder | undefined): ReturnType<typeof mainAccount>[] {
  return holder ? [mainAccount(holder.id, 'KZT')] : [];
}

function verdictsOn(
  items: readonly AgentItem[],
  told: readonly store.PaymentRow[],
  holderOf: (item: AgentItem) => Holder | undefined,
): Verdict[] {
  const rows = new Map(told.map((row) => [keyOf({ agent: row.agent, txnId: row.txn_id }), row]));
  const first = new Map<string, number>();
  return items.map((item, index): Verdict => {
    const key = keyOf(item);
    const row = rows.get(key);
    if (row) return { kind: 'told', row };
    const of = first.get(key);
    if (of !== undefined) return { kind: 'twin', of };
    first.set(key, index);
    if (item.refusal) return { kind: 'refused', refusal: item.refusal };
    const isClosed = holderOf(item)?.status === 'closed';
    return isClosed ? { kind: 'refused', refusal: new Refusal('subscriber.closed') } : { kind: 'wanted' };
  });
}

function eventOf(item: AgentItem, subscriber: PartyId): LedgerEvent & { readonly subscriber: PartyId } {
  const leg: Leg = {
    debit: floatAccount(item.agent, 'KZT'),
    credit: mainAccount(subscriber, 'KZT'),
    amount: present(item.amountMinor, 'an item wanted has a sum'),
  };
  return { id: item.event, code: 'agent_topup', kind: 'posted', legs: [leg], subscriber };
}

/** What becomes of an item that is answered here for the first time: a row, or a refusal after which it is asked again. */
type End = { readonly result: number; readonly reason: RefusalCode | undefined } | Refusal | undefined;

function endOf(item: AgentItem, verdict: Verdict, answers: ReadonlyMap<Uuid, unknown>): End {
  if (verdict.kind === 'told' || verdict.kind === 'twin') return undefined;
  const answer = verdict.kind === 'refused' ? verdict.refusal : answers.get(item.event);
  if (!(answer instanceof Refusal)) {
    assert(answer === 'posted', 'a payment without a row has no transfer either');
    return { result: 0, reason: undefined };
  }
  const result = item.finals.get(answer.code);
  return result === undefined ? answer : { result, reason: answer.code };
}

/** In the order of their keys, so that two lists with the same ones cannot wait for each other. */
function write(
  tx: Tx,
  { items, ends, at }: { items: readonly AgentItem[]; ends: readonly End[]; at: Date },
): Promise<store.NamedPayment[]> {
  const rows = items.flatMap((item, index): store.NewPayment[] => {
    const end = ends[index];
    return end === undefined || end instanceof Refusal ? [] : [{ ...item, txnDate: item.txnDate ?? at, ...end }];
  });
  if (rows.length === 0) return Promise.resolve([]);
  return store.insertPayments(
    tx,
    rows.sort((a, b) => (a.event < b.event ? -1 : 1)),
    at,
  );
}

type Telling = {
  readonly items: readonly AgentItem[];
  readonly verdicts: readonly Verdict[];
  readonly ends: readonly End[];
  readonly named: readonly store.NamedPayment[];
};

function tell(
  { items, verdicts, ends, named }: Telling,
  onConflict: AgentBatchDeps['onConflict'],
): Answer<AgentPayment>[] {
  const names = new Map(named.map((row) => [keyOf({ agent: row.agent, txnId: row.txn_id }), row.prv_txn]));
  const answers: Answer<AgentPayment>[] = [];
  for (const [index, item] of items.entries()) {
    const verdict = present(verdicts[index], 'each item is judged');
    const end = ends[index];
    if (verdict.kind === 'told') answers.push(again(item, { ...verdict.row, accountIndex: verdict.row.account_index }));
    else if (verdict.kind === 'twin') {
      const twin = present(items[verdict.of], 'a twin comes after its first');
      const answer = present(answers[verdict.of], 'and so does its answer');
      answers.push(
        answer instanceof Refusal ? answer : again(item, { ...rowOf(answer), accountIndex: twin.accountIndex }),
      );
    } else if (end instanceof Refusal) answers.push(end);
    else {
      const prvTxn = present(names.get(keyOf(item)), 'a row written has its name');
      const { result, reason } = present(end, 'what is neither told nor refused has ended');
      answers.push({ prvTxn, result, reason, amountMinor: item.amountMinor, fresh: true });
    }
    const answer = answers[index];
    if (answer instanceof Refusal && answer.code === 'key.reused') onConflict(item);
  }
  return answers;
}

type Told = Pick<store.PaymentRow, 'prv_txn' | 'amount_minor' | 'result' | 'reason'> & { readonly accountIndex: Uuid };

function rowOf({ prvTxn, amountMinor, result, reason }: AgentPayment): Omit<Told, 'accountIndex'> {
  return { prv_txn: prvTxn, amount_minor: amountMinor ?? null, result, reason: reason ?? null };
}

/** The first answer, if this asks for the same; otherwise one of the two is a mistake, and the first stands. */
function again(item: AgentItem, told: Told): Answer<AgentPayment> {
  const amountMinor = told.amount_minor ?? undefined;
  if (told.accountIndex !== item.accountIndex || amountMinor !== item.amountMinor) return new Refusal('key.reused');
  return { prvTxn: told.prv_txn, result: told.result, reason: reasonOf(told.reason), amountMinor, fresh: false };
}

/** A code that this version no longer has is still a no. */
function reasonOf(text: string | null): RefusalCode | undefined {
  if (text === null) return undefined;
  return Object.hasOwn(refusals, text) ? (text as RefusalCode) : 'request.invalid';
}
