-- Orders: a customer pays, the phone has the money. One row an order from the first screen on; what happens to it is a move from
-- one state to the next by compare-and-set, and each move leaves a row that never changes.

insert into unit (no, code, decimals) values
  (6, 'USD', 2), (7, 'EUR', 2), (8, 'CNY', 2), (9, 'RUB', 2), (10, 'GBP', 2), (11, 'KGS', 2), (12, 'UZS', 2);

alter table account drop constraint account_kind_check;
alter table account add constraint account_kind_check check (kind in (
  'subscriber', 'partner_float', 'cash', 'voucher_receivable', 'voucher_outstanding', 'voucher_breakage', 'allowance', 'expired_credit',
  'exchange', 'customer_funds', 'fee_income', 'margin_income', 'stripe_clearing', 'paypal_clearing', 'sandbox_clearing',
  'osmp_payable', 'dtone_payable', 'reloadly_payable', 'refund_expense', 'dispute_loss'));

-- What is counted in tenge alone has no accounts in other money.
insert into account (id, kind)
select -((kinds.no::bigint << 20) | (unit.no::bigint << 16) | stripe), kinds.kind
from (values
    (7, 'exchange', true), (8, 'customer_funds', false), (9, 'fee_income', false), (10, 'margin_income', false),
    (11, 'stripe_clearing', true), (12, 'paypal_clearing', true), (13, 'sandbox_clearing', true),
    (14, 'osmp_payable', false), (15, 'dtone_payable', false), (16, 'reloadly_payable', false),
    (17, 'refund_expense', false), (18, 'dispute_loss', true)) as kinds (no, kind, in_any_money),
  unit, generate_series(0, 15) as stripe
where unit.no = 1 or (unit.no >= 6 and kinds.in_any_money);

-- Rates of the central bank: tenge for one unit of the currency, in millionths. A day's rate is fetched once and never changes.
create table fx_rate (
  currency text not null,
  -- The day it is set for, by the bank's own calendar.
  day date not null,
  micro_tenge bigint not null check (micro_tenge > 0),
  source text not null,
  fetched_at timestamptz not null,
  primary key (currency, day)
);

-- The id is 122 random bits: whoever has the address of an order's page may see it and pay, nobody else finds it.
create table topup_order (
  id uuid primary key,
  state text not null check (state in ('draft', 'quoted', 'awaiting_payment', 'expired', 'paid', 'sending', 'unknown', 'delivered', 'refused', 'refunding', 'refunded', 'case')),
  state_since timestamptz not null,
  -- Whom it credits; the number itself is in `subject` alone.
  subscriber bigint not null,
  operator text not null,
  -- Of the payer: pages, receipt, messages.
  language text not null,
  -- What the phone gets, in tiyn.
  face_minor bigint check (face_minor > 0),
  -- The quote: what is shown, what the method charges (it may know fewer currencies), and what of it is whose, in tiyn.
  -- worth = face + fee + margin is what the charge is worth at the rate, to the tiyn.
  currency text,
  price_minor bigint check (price_minor > 0),
  method text,
  charge_currency text,
  charge_minor bigint check (charge_minor > 0),
  fee_minor bigint check (fee_minor >= 0),
  margin_minor bigint check (margin_minor >= 0),
  -- Evidence: rate, day and source for each foreign currency in the quote.
  rates jsonb,
  quoted_at timestamptz,
  quote_expires_at timestamptz,
  -- How many payments and deliveries have been begun.
  payments smallint not null default 0,
  -- The payment that paid it; any other money that lands goes back.
  paid_by smallint,
  deliveries smallint not null default 0,
  -- When a worker must look at it again; null when nothing is left to do.
  next_at timestamptz,
  -- When what it waits for is given up, in this state.
  deadline_at timestamptz,
  -- How often a worker has looked at it in this state.
  tries smallint not null default 0,
  created_at timestamptz not null,
  constraint order_quote_whole check ((state = 'draft') or (face_minor is not null and charge_minor is not null and method is not null))
) with (fillfactor = 60);
create index topup_order_due on topup_order (next_at) where next_at is not null;
create index topup_order_by_subscriber on topup_order (subscriber, created_at);

create table order_move (
  order_id uuid not null,
  no smallint not null check (no > 0),
  move text not null,
  from_state text not null,
  to_state text not null,
  -- A code of ours or of the other side, never text with a number in it.
  reason text,
  -- system, payer, provider, or the name of a member of staff.
  actor text not null,
  at timestamptz not null,
  details jsonb not null default '{}',
  primary key (order_id, no)
);
create trigger append_only before update or delete on order_move for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on order_move for each statement execute function refuse_change();

-- One attempt to pay an order with one provider.
create table payment (
  order_id uuid not null,
  no smallint not null check (no > 0),
  provider text not null,
  -- opening: asked for, the provider's answer is not known yet.
  state text not null check (state in ('opening', 'open', 'approved', 'pending', 'captured', 'refused', 'expired', 'mismatch')),
  -- The provider's name for it, and for the money in it.
  external_id text,
  capture_id text,
  url text,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  -- What that is worth in tiyn at the rate of the quote it was opened for.
  worth_minor bigint not null check (worth_minor > 0),
  captured_minor bigint not null default 0 check (captured_minor >= 0),
  refunded_minor bigint not null default 0 check (refunded_minor >= 0),
  opened_at timestamptz not null,
  expires_at timestamptz not null,
  captured_at timestamptz,
  -- Somebody has hinted at news of it: when a worker must ask the provider. Whatever the order waits for is in its own row.
  next_at timestamptz,
  primary key (order_id, no),
  constraint payment_refunds_within check (refunded_minor <= captured_minor)
) with (fillfactor = 70);
create index payment_by_external_id on payment (provider, external_id);
create index payment_by_capture_id on payment (provider, capture_id) where capture_id is not null;
create index payment_due on payment (next_at) where next_at is not null;

-- Money given back. Its own document, which points at the payment.
create table refund (
  order_id uuid not null,
  no smallint not null check (no > 0),
  payment smallint not null,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  -- In tiyn, the part of the order's worth it gives back.
  worth_minor bigint not null check (worth_minor >= 0),
  state text not null check (state in ('owed', 'pending', 'done', 'failed')),
  reason text not null,
  actor text not null,
  external_id text,
  -- The working day by which it reaches the payer.
  promised_by date not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  -- As in topup_order: when a worker must ask the provider again, and how often one has.
  next_at timestamptz,
  tries smallint not null default 0,
  primary key (order_id, no)
) with (fillfactor = 70);
create index refund_due on refund (next_at) where next_at is not null;

-- What providers have told us, once each: the key decides which of a hundred repeats is the first.
create table payment_event (
  provider text not null,
  event_id text not null,
  kind text not null,
  order_id uuid,
  -- applied, ignored (nothing new), or the code of the refusal.
  outcome text not null,
  received_at timestamptz not null,
  details jsonb not null default '{}',
  primary key (provider, event_id)
);
create index payment_event_by_order on payment_event (order_id) where order_id is not null;
create trigger append_only before update or delete on payment_event for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on payment_event for each statement execute function refuse_change();

-- A payer has asked their bank to take the money back.
create table dispute (
  provider text not null,
  external_id text not null,
  order_id uuid not null,
  payment smallint not null,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  state text not null check (state in ('open', 'won', 'lost')),
  reason text not null,
  opened_at timestamptz not null,
  ended_at timestamptz,
  primary key (provider, external_id)
);
create index dispute_by_order on dispute (order_id);

-- One attempt to have the operator credit the number. `reference` is ours, made before the call, and what we ask by afterwards.
create table delivery (
  order_id uuid not null,
  attempt smallint not null check (attempt > 0),
  route text not null,
  operator text not null,
  reference text not null,
  state text not null check (state in ('sending', 'unknown', 'delivered', 'refused')),
  operator_reference text,
  reason text,
  -- How often we have asked what became of it.
  asked smallint not null default 0,
  began_at timestamptz not null,
  ended_at timestamptz,
  primary key (order_id, attempt)
) with (fillfactor = 70);
create index delivery_by_reference on delivery (reference);

-- A link somebody without data shows to somebody who pays. It names a recipient and can be used until it ends.
create table topup_request (
  id uuid primary key,
  subscriber bigint not null,
  operator text not null,
  face_minor bigint check (face_minor > 0),
  created_at timestamptz not null,
  expires_at timestamptz not null
);

grant select, insert on fx_rate to sapar_app;
grant select, insert, update, delete on topup_order to sapar_app;
grant select, insert on order_move, payment_event to sapar_app;
grant select, insert, update on payment, refund, dispute, delivery to sapar_app;
grant select, insert, delete on topup_request to sapar_app;
