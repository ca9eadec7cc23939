import { limits } from '../base/limits.ts';
import type { Statement, Tx } from '../db/index.ts';
import type { Source } from './report.ts';

// Report against books, both sides in one statement: what has been imported of a source since $4, and what our tables hold of it since $5,
// which is longer, because what is given back was paid before. Each step below is one sentence of docs/reconciliation.md.

/**
 * What files that overlap say of one movement: an end comes before what was still under way, and that it was taken back before both, in whatever order
 * the files come. Otherwise the file whose period ends last is believed, among those the one imported last.
 */
const line = `line as materialized (
    select * from (
      select recon_line.*, dense_rank() over (partition by entry
        order by case state when 'reversed' then 0 when 'pending' then 2 else 1 end, upper(period) desc, recon_file.id desc) as age
      from recon_line join recon_file on recon_file.id = recon_line.file
      where recon_line.source = $1 and at >= $4 and (kind in ('payment', 'refund', 'dispute', 'credit') or extra ? 'unknown')
    ) as said where age = 1
  ),
  called as materialized (select file, line, kind, name from line cross join lateral unnest(names) as name)`;

/** Every name by which a report may call a payment or a delivery of ours, the surest first. `parseReference` makes the same ones. */
const named = `named as materialized (
    select order_id, no, name, rank, state = 'captured' as is_ended
    from payment cross join lateral (values (capture_id, 1), (external_id, 2), (order_id || '/' || no, 3), (order_id::text, 4),
      ('ref:' || left(replace(order_id::text, '-', ''), 12) || substr(replace(order_id::text, '-', ''), 14, 3), 5)) as known (name, rank)
    where provider = $1 and opened_at >= $5 and name is not null
    union all
    select order_id, attempt, name, rank, state = 'delivered'
    from delivery cross join lateral (values (reference, 1), (operator_reference, 2)) as known (name, rank)
    where route = $1 and began_at >= $5 and name is not null
    union all
    select event, 1::smallint, name, rank, result = 0
    from agent_payment cross join lateral (values ('txn:' || txn_id, 1), ('prv:' || prv_txn, 2)) as known (name, rank)
    where agent = $7 and txn_date >= $5
  )`;

/** The payment or delivery that a line is about. Where a name fits several, such as that of the whole order, the one that has the money. */
const about = `about as materialized (
    select distinct on (file, line) file, line, order_id, no
    from called join named using (name) order by file, line, rank, is_ended desc, no desc
  )`;

/** What we hold, in the words of reports: claimed is what we say has happened, within the time from its beginning to its end. */
const item = `item as materialized (
    select 'payment' as what, order_id, no, no as payment_no, capture_id as external_id, state, currency,
      case state when 'captured' then captured_minor else amount_minor end as minor, opened_at as began_at, captured_at as ended_at,
      state = 'captured' as is_claimed,
      (captured_minor > 0 and refunded_minor = captured_minor) or exists (
        select from dispute where dispute.order_id = payment.order_id and dispute.payment = payment.no and dispute.state <> 'won') as is_given_back,
      null::text as own_name, null::uuid as number_index
    from payment where provider = $1 and opened_at >= $5
    union all
    select 'refund', order_id, refund.no, refund.payment, refund.external_id, refund.state, refund.currency, refund.amount_minor, created_at, ended_at,
      refund.state = 'done', false, order_id || '/refund/' || refund.no, null
    from refund join payment using (order_id) where payment.no = refund.payment and provider = $1 and created_at >= $5
    union all
    select 'dispute', order_id, (row_number() over (partition by order_id order by opened_at, external_id))::smallint, payment, external_id, state, currency,
      amount_minor, opened_at, ended_at, state = 'lost', false, null, null
    from dispute where provider = $1 and dispute.opened_at >= $5
    union all
    select 'credit', order_id, attempt, attempt, operator_reference, delivery.state, 'KZT', face_minor, began_at, ended_at,
      delivery.state = 'delivered', false, null, (select number_index from subject where subject.subscriber = topup_order.subscriber limit 1)
    from delivery join topup_order on topup_order.id = order_id where route = $1 and began_at >= $5
    union all
    select 'credit', event, 1, 1, txn_id, case result when 0 then 'delivered' else 'refused' end, 'KZT', coalesce(amount_minor, 0), txn_date, txn_date,
      result = 0, false, null, account_index
    from agent_payment where agent = $7 and txn_date >= $5
  )`;

/** By the other side's own name for the thing, or by ours, which we have written into it. */
const direct = `direct as materialized (
    select distinct on (file, line) file, line, what, order_id, no from (
      select file, line, kind as what, about.order_id, about.no, 1 as rank from line join about using (file, line) where kind in ('payment', 'credit')
      union all
      select file, line, kind, item.order_id, item.no, 1 from line join item on item.what = kind and item.external_id = line.external_id
      where kind in ('refund', 'dispute')
      union all
      select file, line, kind, item.order_id, item.no, 2
      from called join item on item.what = kind and item.own_name = name where kind = 'refund'
    ) as known order by file, line, rank
  )`;

/**
 * A refund whose answer was lost has no name of theirs with us: it is one of its payment over the same amount, each counted once. Some
 * reports name a dispute by nothing but its payment.
 */
const guessed = `guessed as materialized (
    select file, line, 'refund' as what, order_id, mine.no
    from (
      select file, line, about.order_id, about.no as payment_no, amount_currency as currency, amount_minor as minor,
        row_number() over (partition by about.order_id, about.no, amount_currency, amount_minor order by at, file, line) as nth
      from line join about using (file, line)
      where kind = 'refund' and line.state in ('done', 'pending') and not exists (select from direct where (direct.file, direct.line) = (line.file, line.line))
    ) as theirs join (
      select order_id, no, payment_no, currency, minor, row_number() over (partition by order_id, payment_no, currency, minor order by no) as nth
      from item where what = 'refund' and external_id is null
    ) as mine using (order_id, payment_no, currency, minor, nth)
    union all
    select distinct on (file, line) file, line, 'dispute', item.order_id, item.no
    from line join about using (file, line) join item on item.what = 'dispute' and (item.order_id, item.payment_no) = (about.order_id, about.no)
    where kind = 'dispute' and not exists (select from direct where (direct.file, direct.line) = (line.file, line.line))
      and not exists (select from direct where direct.what = 'dispute' and (direct.order_id, direct.no) = (item.order_id, item.no))
    order by file, line, no
  )`;

/** Each line beside what it speaks of. The same thing done twice is one too many; the last word on it is what is compared. */
const seen = `paired as materialized (select * from direct union all select * from guessed),
  counted as materialized (
    select line.*, paired.order_id, paired.no, coalesce(paired.order_id || '/' || paired.no, entry) as thing,
      row_number() over (partition by kind, coalesce(paired.order_id || '/' || paired.no, entry), state order by at, line.file, line.line) as nth
    from line left join paired using (file, line)
  ),
  last_word as materialized (
    select * from (
      select counted.*, row_number() over (partition by kind, thing
        order by at desc, array_position(array['reversed', 'done', 'failed', 'pending'], state), file desc, line desc) as from_end
      from counted where nth = 1
    ) as word where from_end = 1
  )`;

/** Which of our states goes with which of theirs. A pair that is not here is a difference. */
const agreed = `agreed (what, theirs, ours) as (values
    ('payment', 'done', 'captured'),
    ('payment', 'pending', 'opening'), ('payment', 'pending', 'open'), ('payment', 'pending', 'approved'), ('payment', 'pending', 'pending'),
    ('payment', 'pending', 'refused'), ('payment', 'pending', 'expired'),
    ('payment', 'failed', 'opening'), ('payment', 'failed', 'open'), ('payment', 'failed', 'approved'), ('payment', 'failed', 'pending'),
    ('payment', 'failed', 'refused'), ('payment', 'failed', 'expired'),
    ('payment', 'reversed', 'refused'), ('payment', 'reversed', 'expired'),
    ('refund', 'done', 'done'), ('refund', 'done', 'pending'), ('refund', 'pending', 'owed'), ('refund', 'pending', 'pending'),
    ('refund', 'failed', 'owed'), ('refund', 'failed', 'failed'), ('refund', 'reversed', 'owed'), ('refund', 'reversed', 'failed'),
    ('dispute', 'done', 'open'), ('dispute', 'done', 'lost'), ('dispute', 'reversed', 'won'), ('dispute', 'failed', 'won'),
    ('dispute', 'pending', 'open'), ('dispute', 'pending', 'lost'), ('dispute', 'pending', 'won'),
    ('credit', 'done', 'delivered'), ('credit', 'pending', 'sending'), ('credit', 'pending', 'unknown'), ('credit', 'failed', 'refused'),
    ('credit', 'reversed', 'refused'))`;

/**
 * The last word on each thing beside ours. One difference a thing: where they say that something else became of it, its amount says
 * nothing. A dispute is booked there in the currency they settle in, so only like is compared with like.
 */
const compared = `compared as (
    select case
        when kind = 'other' then 'unexplained'
        when item.what is null then case when last_word.state = 'done' then 'not_with_us' end
        when agreed.what is null and not (last_word.state = 'reversed' and is_given_back) then 'state'
        when last_word.state <> 'done' then null
        when amount_currency <> item.currency then case when kind <> 'dispute' then 'currency' end
        when amount_minor <> minor then 'amount'
        when last_word.number_index <> item.number_index then 'number'
      end as difference,
      last_word.*, item.state as our_state, item.currency as our_currency, item.minor as our_minor, coalesce(item.ended_at, item.began_at) as our_at
    from last_word
    left join item on item.what = kind and (item.order_id, item.no) = (last_word.order_id, last_word.no)
    left join agreed on agreed.what = kind and theirs = last_word.state and ours = item.state
  )`;

/** Ours that no line speaks of, though files cover, without a gap, all the time in which it can have happened. */
const missing = `covered as (
    select range_agg(period) as periods from recon_file where source = $1 and is_complete
  ),
  missing as (
    select item.* from item, covered
    where is_claimed and began_at - $3::interval >= $4 and tstzrange(began_at - $3::interval, coalesce(ended_at, began_at) + $3::interval, '[]') <@ periods
      and not exists (select from paired where (paired.what, paired.order_id, paired.no) = (item.what, item.order_id, item.no))
  )`;

const found = `found as (
    select difference as kind, kind as what, entry, external_id, coalesce(compared.order_id, about.order_id) as order_id,
      coalesce(compared.no, about.no) as item_no, file, line, state as their_state, amount_currency as their_currency, amount_minor as their_minor, at as their_at,
      our_state, our_currency, our_minor, our_at,
      case difference when 'currency' then our_currency else amount_currency end as stake_currency,
      case difference when 'currency' then our_minor when 'amount' then abs(amount_minor - our_minor) else amount_minor end as stake_minor,
      1::bigint as nth
    from compared left join about using (file, line) where difference is not null
    union all
    select 'twice', kind, entry, external_id, order_id, no, file, line, state, amount_currency, amount_minor, at, null, null, null, null,
      amount_currency, amount_minor, nth
    from counted where nth > 1 and state = 'done' and kind <> 'other'
    union all
    select 'not_in_report', what, null, external_id, order_id, no, null, null, null, null, null, null, state, currency, minor, coalesce(ended_at, began_at),
      currency, minor, 1
    from missing
  ),
  printed as materialized (
    select distinct on (fingerprint) * from (
      select found.*, md5(jsonb_build_array($1::text, kind, what, entry, order_id, item_no, their_state, their_currency, their_minor, our_state, our_currency,
        our_minor, nth)::text)::uuid as fingerprint
      from found
    ) as every order by fingerprint, file desc, line
  )`;

const refreshStatement: Statement = {
  name: '',
  // Both writes are to one table and never to one row: one touches what was found, the other what was not.
  text: `with ${line},
  ${named},
  ${about},
  ${item},
  ${direct},
  ${guessed},
  ${seen},
  ${agreed},
  ${compared},
  ${missing},
  ${found},
  gone as (
    update recon_difference set gone_at = $2
    where source = $1 and gone_at is null and coalesce(their_at, our_at) >= $6 and not exists (select from printed where printed.fingerprint = recon_difference.fingerprint)
    returning resolved_at
  ),
  kept as (
    insert into recon_difference (source, kind, what, fingerprint, entry, external_id, order_id, item_no, file, line, their_state, their_currency, their_minor,
      their_at, our_state, our_currency, our_minor, our_at, stake_currency, stake_minor, first_seen)
    select $1, kind, what, fingerprint, entry, external_id, order_id, item_no, file, line, their_state, their_currency, their_minor,
      their_at, our_state, our_currency, our_minor, our_at, stake_currency, stake_minor, $2
    from printed
    on conflict (fingerprint) do update set gone_at = null where recon_difference.gone_at is not null
    returning resolved_at
  )
  select (select count(*) from kept where resolved_at is null) as appeared, (select count(*) from gone where resolved_at is null) as went`,
};

const plannedStatement: Statement = {
  name: 'recon_planned',
  // How large a step comes out is not known beforehand, and a loop within a loop over what was taken for one row takes minutes. Every join
  // here is by equality over whole sets.
  text: 'set local enable_nestloop = off',
};

export type Window = {
  readonly source: Source;
  /** Whose register it is: its payments are dated by its own clock, and so is its register. */
  readonly agent: bigint | undefined;
  readonly now: Date;
  /** The file that was just imported is compared from its beginning, however old it is. */
  readonly from?: Date;
};

/** How many differences of this source have come up since last time, and how many of those that were open are no more. */
export async function refresh(
  tx: Tx,
  { source, agent, now, from = now }: Window,
): Promise<{ appeared: number; went: number }> {
  const since = Math.min(now.getTime() - limits.reconciledMs, from.getTime());
  const reach = new Date(since - limits.reconciledReachMs);
  const edge = new Date(since + limits.reconciledEdgeMs);
  tx.send(plannedStatement);
  const clocks = `${limits.reportClockMs} milliseconds`;
  const [row] = await tx.rows<{ appeared: bigint; went: bigint }>(refreshStatement, [
    source,
    now,
    clocks,
    new Date(since),
    reach,
    edge,
    agent ?? null,
  ]);
  return { appeared: Number(row?.appeared ?? 0n), went: Number(row?.went ?? 0n) };
}
