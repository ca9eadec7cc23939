import type { Invariant } from './store.ts';

// What must hold of orders that customers pay. `clearing` is every account of money that a provider holds for us.

const worth = 'face_minor + fee_minor + margin_minor';

export const orderInvariants: readonly Invariant[] = [
  {
    name: 'an order is in the state of its last move',
    guarantee: 'no order changed its state without a trace, and each move starts where the one before ended',
    text: `with last as (
        select distinct on (order_id) order_id, to_state from order_move order by order_id, no desc
      )
      select id, state, to_state from topup_order left join last on last.order_id = id
      where case when to_state is null then state not in ('draft', 'quoted')
        when to_state = 'draft' then state not in ('draft', 'quoted') else state <> to_state end
      union all
      select later.order_id, earlier.to_state, later.from_state from order_move as later
      join order_move as earlier on earlier.order_id = later.order_id and earlier.no = later.no - 1
      where later.from_state <> earlier.to_state and not (earlier.to_state = 'draft' and later.from_state = 'quoted')
      union all
      select order_id, 'moves', count(*)::text from order_move group by order_id having count(*) <> max(no)`,
  },
  {
    name: 'captured payments are in the books',
    guarantee:
      'each payment that was captured was posted once, with its amount and its worth, and nothing else was posted as a payment',
    text: `with posted as (
        select min(recorded_at) as at, event,
          sum(amount) filter (where unit = 1 and credit < 0 and (-credit >> 20) = 8) as worth,
          sum(amount) filter (where (-debit >> 20) in (11, 12, 13)) as charged,
          min(unit) filter (where (-debit >> 20) in (11, 12, 13)) as unit
        from transfer where code = 'order_payment' group by event
      ), wanted as (
        select payment.order_id, payment.no, captured_minor, worth_minor, unit.no as unit, captured_at
        from payment join unit on unit.code = payment.currency where state = 'captured'
      )
      select order_id, no from (select order_id, no, captured_minor, worth_minor, unit, captured_at, row_number() over (partition by captured_at, unit, captured_minor, worth_minor order by order_id, no) as nth from wanted) as w
      full join (select at, worth, charged, unit, row_number() over (partition by at, unit, charged, worth order by event) as nth from posted) as p
        on p.at = w.captured_at and p.unit = w.unit and p.charged = w.captured_minor and p.worth = w.worth_minor and p.nth = w.nth
      where w.order_id is null or p.at is null`,
  },
  {
    name: 'a paid order was paid once',
    guarantee:
      'who paid an order is a captured payment of its own, of the price that was agreed, and nothing was sent without it',
    text: `select topup_order.id from topup_order left join payment on order_id = topup_order.id and payment.no = paid_by
      where (paid_by is not null and (payment.state is distinct from 'captured' or payment.amount_minor <> captured_minor))
        or (paid_by is null and topup_order.state in ('paid', 'sending', 'unknown', 'delivered', 'refused'))
        or (paid_by is not null and topup_order.state in ('draft', 'quoted', 'awaiting_payment', 'expired'))
        or (paid_by is not null and payment.worth_minor <> ${worth})`,
  },
  {
    name: 'delivered once, or not at all',
    guarantee:
      'a delivered order has exactly one delivered attempt, no other has one, and only the last attempt may be open',
    text: `select topup_order.id, topup_order.state from topup_order left join lateral (
        select count(*) filter (where delivery.state = 'delivered') as delivered,
          count(*) filter (where delivery.state in ('sending', 'unknown')) as open, count(*) as attempts
        from delivery where order_id = id
      ) as sum on true
      where delivered <> (topup_order.state = 'delivered')::int or attempts <> deliveries
        or open > 1
        or (open = 1) <> (topup_order.state in ('sending', 'unknown')) and topup_order.state <> 'case'`,
  },
  {
    name: 'what was delivered is in the books',
    guarantee:
      'each delivered attempt spent exactly its order on it; each open one holds it; a refused one spent nothing',
    text: `with booked as (
        select event, sum(amount) filter (where kind in ('posted', 'captured')) as spent, sum(amount) filter (where kind = 'pending') as held,
          count(*) filter (where kind = 'released') as released
        from transfer where code = 'order_delivery' group by event
      ), expected as (
        select count(*) filter (where delivery.state = 'delivered') as delivered,
          coalesce(sum(${worth}) filter (where delivery.state = 'delivered'), 0) as spent,
          coalesce(sum(${worth}) filter (where delivery.state in ('sending', 'unknown')), 0) as held
        from delivery join topup_order on id = order_id
      ), seen as (
        select count(*) filter (where spent > 0) as delivered, coalesce(sum(spent), 0) as spent,
          coalesce(sum(held) filter (where spent is null and released = 0), 0) as held
        from booked
      )
      select expected.spent, seen.spent as booked, expected.held, seen.held as booked_held from expected, seen
      where (expected.delivered, expected.spent, expected.held) is distinct from (seen.delivered, seen.spent, seen.held)`,
  },
  {
    name: "customers' funds are what orders have left",
    guarantee: 'the money of customers that we hold is, to the tiyn, what was paid and is neither spent nor given back',
    text: `with paid as (select coalesce(sum(worth_minor), 0) as worth from payment where state = 'captured'),
      spent as (
        select coalesce(sum(${worth}), 0) as worth from delivery join topup_order on id = order_id where delivery.state = 'delivered'
      ), given_back as (select coalesce(sum(worth_minor), 0) as worth from refund where state = 'done'),
      at_our_expense as (
        select coalesce(sum(credits_posted - debits_posted), 0) as balance from account where kind = 'refund_expense'
      ), held as (
        select coalesce(sum(credits_posted - debits_posted), 0) as balance from account where kind = 'customer_funds'
      )
      select held.balance, paid.worth as paid, spent.worth as spent, given_back.worth as given_back from paid, spent, given_back, at_our_expense, held
      where held.balance <> paid.worth - spent.worth - given_back.worth - at_our_expense.balance`,
  },
  {
    name: 'refunds are in the books and within what was paid',
    guarantee:
      'each payment knows what was given back of it; it is never more than was taken; a refunded order has nothing left',
    text: `select payment.order_id, payment.no from payment left join lateral (
        select coalesce(sum(amount_minor) filter (where refund.state = 'done'), 0) as done,
          coalesce(sum(amount_minor) filter (where refund.state <> 'failed'), 0) as owed
        from refund where refund.order_id = payment.order_id and refund.payment = payment.no
      ) as back on true
      where back.done <> refunded_minor or back.owed > captured_minor
      union all
      select id, paid_by from topup_order join payment on order_id = id and payment.no = paid_by
      where topup_order.state = 'refunded' and refunded_minor <> captured_minor`,
  },
  {
    name: 'providers hold what they took for us',
    guarantee:
      'what each provider owes us in each currency is what it captured, less what it gave back and what banks have taken',
    text: `with held as (
        select kind, unit_of_account(id) as unit, sum(debits_posted - credits_posted) as balance
        from account where kind in ('stripe_clearing', 'paypal_clearing', 'sandbox_clearing') group by 1, 2
      ), expected as (
        select kind, unit, sum(amount) as balance from (
          select provider || '_clearing' as kind, unit.no as unit, captured_minor as amount from payment join unit on code = currency where state = 'captured'
          union all
          select provider || '_clearing', unit.no, -refund.amount_minor from refund
            join payment on payment.order_id = refund.order_id and payment.no = refund.payment join unit on code = refund.currency where refund.state = 'done'
          union all
          select provider || '_clearing', unit.no, -amount_minor from dispute join unit on code = currency where state <> 'won'
        ) as flow group by 1, 2
      )
      select kind, unit, held.balance, expected.balance as expected from held full join expected using (kind, unit)
      where coalesce(held.balance, 0) <> coalesce(expected.balance, 0)`,
  },
];
