import { limits } from '../base/limits.ts';
import type { Row, Statement, Tx } from '../db/index.ts';
import { agentInvariants } from './agent_store.ts';
import { orderInvariants } from './order_store.ts';
import { reconciliationInvariants } from './reconciliation_store.ts';

/**
 * One invariant: a statement that answers the rows which break it, at most a few. All run in one snapshot, over the tables
 * themselves and none of our own code, so that a defect in the code cannot hide itself.
 */
export type Invariant = { readonly name: string; readonly guarantee: string; readonly text: string };

const SAMPLE = 5;

// Face value per issued stretch; a voucher that has ended no longer counts.
const outstanding = `select value.unit, sum(value.amount * (stretch.last_serial - stretch.first_serial + 1 - coalesce(ended.count, 0))) as expected
    from voucher_range as stretch
    join voucher_value as value on value.batch = stretch.batch
    left join lateral (
      select count(*) as count from voucher_end
      where voucher_end.batch = stretch.batch and voucher_end.serial between stretch.first_serial and stretch.last_serial
    ) as ended on true
    where stretch.issued group by value.unit`;

const invariantsOfCredit: readonly Invariant[] = [
  {
    name: 'debits equal credits',
    guarantee: 'over all accounts, posted and pending debits equal credits in every unit',
    text: `select unit_of_account(id) as unit, sum(debits_posted) as debits, sum(credits_posted) as credits,
        sum(debits_pending) as debits_pending, sum(credits_pending) as credits_pending
      from account group by 1
      having sum(debits_posted) <> sum(credits_posted) or sum(debits_pending) <> sum(credits_pending)`,
  },
  {
    name: 'counters equal transfers',
    guarantee: "each account's four counters are the sums of its transfers",
    text: `with side as (
        select debit as id, amount, kind, event, leg, phase, true as is_debit from transfer
        union all
        select credit, amount, kind, event, leg, phase, false from transfer
      ), open_hold as (
        select event, leg from transfer where kind = 'pending'
        except select event, leg from transfer where phase = 1
      ), summed as (
        select side.id,
          coalesce(sum(amount) filter (where is_debit and kind in ('posted', 'captured')), 0) as debits_posted,
          coalesce(sum(amount) filter (where not is_debit and kind in ('posted', 'captured')), 0) as credits_posted,
          coalesce(sum(amount) filter (where is_debit and kind = 'pending' and open_hold.event is not null), 0) as debits_pending,
          coalesce(sum(amount) filter (where not is_debit and kind = 'pending' and open_hold.event is not null), 0) as credits_pending
        from side left join open_hold on open_hold.event = side.event and open_hold.leg = side.leg group by side.id
      )
      select id from account full join summed using (id)
      where (account.debits_posted, account.credits_posted, account.debits_pending, account.credits_pending)
        is distinct from (coalesce(summed.debits_posted, 0), coalesce(summed.credits_posted, 0), coalesce(summed.debits_pending, 0), coalesce(summed.credits_pending, 0))`,
  },
  {
    name: 'no balance below its floor',
    guarantee: 'no account is below its floor, holds included',
    text: `select id from account where floor is not null and credits_posted - debits_posted - debits_pending < floor`,
  },
  {
    name: 'accounts are what their ids say',
    guarantee: "an account's kind follows from its id; parties have a floor and system accounts none",
    text: `select id, kind from account where (floor is null) <> (id < 0) or kind is distinct from case
        when id < 0 then (array['cash', 'voucher_receivable', 'voucher_outstanding', 'voucher_breakage', 'allowance', 'expired_credit',
          'exchange', 'customer_funds', 'fee_income', 'margin_income', 'stripe_clearing', 'paypal_clearing', 'sandbox_clearing',
          'osmp_payable', 'dtone_payable', 'reloadly_payable', 'refund_expense', 'dispute_loss'])[(-id >> 20)::int]
        when id & 65535 = 65535 then 'partner_float' else 'subscriber' end`,
  },
  {
    name: 'paid-in money was recorded',
    guarantee:
      'each payment into a float has its entry in the audit trail over the same amount, and the other way round',
    text: `with paid as (
        select event, sum(amount) as amount from transfer where code = 'float_fund' and credit & 65535 = 65535 group by event
      ), recorded as (
        select details ->> 'event' as event, sum((details ->> 'amount')::numeric * 100) as amount
        from audit_entry where action = 'partner.fund' group by 1
      )
      select coalesce(paid.event::text, recorded.event) as event from paid full join recorded on recorded.event = paid.event::text
      where paid.amount is distinct from recorded.amount`,
  },
  {
    name: 'a transfer stays in one unit',
    guarantee: 'both accounts of a transfer count its unit, and the amount is positive',
    text: `select event, leg from transfer where unit <> unit_of_account(debit) or unit <> unit_of_account(credit) or amount <= 0 or debit = credit`,
  },
  {
    name: 'a hold ends once and within itself',
    guarantee: 'what ends a hold belongs to one, moves between the same accounts and not more than was held',
    text: `select ending.event, ending.leg from transfer as ending
      left join transfer as hold on hold.event = ending.event and hold.leg = ending.leg and hold.kind = 'pending'
      where ending.phase = 1 and (hold.event is null or hold.debit <> ending.debit or hold.credit <> ending.credit or ending.amount > hold.amount
        or (ending.kind = 'released' and ending.amount <> hold.amount))`,
  },
  {
    name: 'every credit owes its notice',
    guarantee:
      'each top-up, each redemption and each delivered order has exactly one notice, to whom it credited, and no notice is without its credit',
    text: `with credit as (
        select event, min(credit >> 20) as subscriber from transfer where code in ('topup', 'agent_topup', 'voucher') and phase = 0 group by event
        union all
        -- Delivered elsewhere there is no account of the subscriber to compare with.
        select event, min(credit >> 20) filter (where credit > 0) from transfer
          where code = 'order_delivery' and kind in ('posted', 'captured') group by event
      ), owed as (
        select event, min(subscriber) as subscriber, count(*) as count from notice
        where kind in ('topup_credited', 'voucher_credited') group by event
      )
      select event from credit full join owed using (event)
      where owed.count is distinct from 1 or credit.event is null or credit.subscriber <> owed.subscriber`,
  },
  {
    name: 'one credit per redeemed voucher',
    guarantee:
      "each redemption posted exactly its batch's value to its subscriber, then, and nothing else was posted as a voucher",
    text: `with wanted as (
        select ended.event, ended.subscriber, value.leg, value.unit, value.amount, ended.ended_at as at from voucher_end as ended
        join voucher_value as value on value.batch = ended.batch where ended.kind = 'redeemed'
      ), posted as (
        select event, leg, unit, amount, credit >> 20 as subscriber, recorded_at as at
        from transfer where code = 'voucher' and kind = 'posted' and phase = 0
      )
      select event, leg from wanted full join posted using (event, leg)
      where (wanted.unit, wanted.amount, wanted.subscriber, wanted.at) is distinct from (posted.unit, posted.amount, posted.subscriber, posted.at)`,
  },
  {
    name: 'one redemption per event',
    guarantee: 'no ledger event stands for two vouchers',
    text: `select event from voucher_end where event is not null group by event having count(*) > 1`,
  },
  {
    name: 'vouchers end as themselves',
    guarantee: 'each terminal fact names a voucher that exists, with its own batch and serial',
    text: `select ended.serial from voucher_end as ended left join voucher on voucher.mac = ended.mac
      where voucher.mac is null or voucher.serial <> ended.serial or voucher.batch <> ended.batch`,
  },
  {
    name: 'serial ranges cover their batch',
    guarantee: 'the stretches of a loaded batch cover its serials once, and it has as many vouchers as it says',
    text: `select batch.id from voucher_batch as batch
      left join lateral (select sum(last_serial - first_serial + 1) as covered, min(first_serial) as first, max(last_serial) as last from voucher_range where voucher_range.batch = batch.id) as stretch on true
      where batch.state not in ('draft', 'approved')
        and (stretch.covered is distinct from batch.count or stretch.first is distinct from batch.first_serial or stretch.last is distinct from batch.last_serial
          or batch.count <> (select count(*) from voucher where voucher.serial between batch.first_serial and batch.last_serial and voucher.batch = batch.id))`,
  },
  {
    name: 'nothing is void or active by word alone',
    guarantee:
      'a void stretch has no voucher left, an active one has been issued, and nothing redeemed was never issued',
    text: `select stretch.batch, stretch.first_serial from voucher_range as stretch
      where (stretch.state = 'active' and not stretch.issued)
        or (stretch.state = 'void' and (stretch.last_serial - stretch.first_serial + 1) > (
          select count(*) from voucher_end where voucher_end.batch = stretch.batch and voucher_end.serial between stretch.first_serial and stretch.last_serial))
        or (not stretch.issued and exists (
          select from voucher_end where voucher_end.kind = 'redeemed' and voucher_end.batch = stretch.batch and voucher_end.serial between stretch.first_serial and stretch.last_serial))`,
  },
  {
    name: 'nothing happens to cards without consent',
    guarantee:
      'each batch past its draft and each stretch past its loading names an approval that covers it; each used approval is for the request that enough others agreed to',
    text: `select 'batch' as what, batch.id from voucher_batch as batch
      left join approval on approval.id = batch.approval and action = 'voucher.create' and request ->> 'batch' = batch.id::text
      left join approval_use on approval_use.approval = approval.id
      where batch.state <> 'draft' and approval_use.approval is null
      union all
      select 'stretch', stretch.first_serial from voucher_range as stretch
      left join approval on approval.id = stretch.approval and action in ('voucher.change', 'voucher.redeem_serial') and request ->> 'state' = stretch.state
        and (request ->> 'first')::bigint <= stretch.first_serial and (request ->> 'last')::bigint >= stretch.last_serial
      left join approval_use on approval_use.approval = approval.id
      where stretch.state <> 'created' and approval_use.approval is null
      union all
      select 'approval', used.approval from approval_use as used left join approval on approval.id = used.approval
      where approval.request_hash is distinct from used.request_hash
        or approval.needed > (select count(*) from approval_vote as vote where vote.approval = used.approval and vote.checker <> approval.maker)`,
  },
  {
    name: 'face value is conserved',
    guarantee: 'what the ledger says is outstanding on cards is the face value of issued vouchers that have not ended',
    text: `with expected as (${outstanding}), held as (
        select unit_of_account(id) as unit, sum(credits_posted - debits_posted) as balance from account where kind = 'voucher_outstanding' group by 1
      )
      select unit, expected, balance from held full join expected using (unit) where coalesce(expected, 0) <> coalesce(balance, 0)`,
  },
];

export const invariants: readonly Invariant[] = [
  ...invariantsOfCredit,
  ...agentInvariants,
  ...orderInvariants,
  ...reconciliationInvariants,
];

const snapshotStatement: Statement = {
  name: 'reports_snapshot',
  text: 'set transaction isolation level repeatable read read only',
};
const patienceStatement: Statement = { name: 'reports_patience', text: 'set local statement_timeout = 0' };

/** Everything after this is seen as of one instant, however long it takes. */
export function takeSnapshot(tx: Tx): void {
  tx.send(snapshotStatement);
  tx.send(patienceStatement);
}

/** Some of the rows that break an invariant; none when it holds. */
export function findBreaches(tx: Tx, invariant: string): Promise<Row[]> {
  const text = `select * from (${invariant}) as breach limit ${SAMPLE}`;
  return tx.rows({ name: '', text, answerMs: limits.auditStatementMs });
}
