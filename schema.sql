-- Generated from the migrations by "npm run -s sapar -- schema"; never edited. The migrations say why.

create sequence party_id as bigint minvalue 1000 maxvalue 8796093022207;

create sequence voucher_serial as bigint minvalue 1000000001 maxvalue 9223372036854775807;

CREATE OR REPLACE FUNCTION public.approval_use_allowed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if not exists (
    select from approval
    where id = new.approval and request_hash = new.request_hash and expires_at >= now()
      and needed <= (select count(*) from approval_vote where approval = new.approval)
  ) then
    raise exception 'approval % does not cover this request', new.approval using errcode = 'SP004';
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.approval_vote_allowed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select from approval where id = new.approval and maker = new.checker) then
    raise exception 'maker and checker of approval % are one person', new.approval using errcode = 'SP002';
  end if;
  if exists (select from approval where id = new.approval and expires_at < now()) then
    raise exception 'approval % has expired', new.approval using errcode = 'SP003';
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.expect_rows(actual bigint, expected bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
  if actual <> expected then
    raise exception 'a statement touched % rows, not %', actual, expected using errcode = 'SP005';
  end if;
  return true;
end $function$;

CREATE OR REPLACE FUNCTION public.keep_difference()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  judgement constant text[] := array['gone_at', 'resolved_at', 'resolved_by', 'note'];
begin
  if to_jsonb(old) - judgement is distinct from to_jsonb(new) - judgement
    or (old.resolved_at is not null and (old.resolved_at, old.resolved_by, old.note) is distinct from (new.resolved_at, new.resolved_by, new.note)) then
    raise exception 'a difference keeps its facts and its resolution' using errcode = 'SP001';
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% on % is not allowed: it is append-only', tg_op, tg_table_name using errcode = 'SP001';
end $function$;

CREATE OR REPLACE FUNCTION public.unit_of_account(id bigint)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((abs(id) >> 16) & (15)::bigint))::smallint;

CREATE OR REPLACE FUNCTION public.voucher_batch_allowed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  life constant text[] := array['draft', 'approved', 'generated', 'printed', 'distributed', 'closed'];
begin
  if new.approval is not null and not exists (
    select from approval where id = new.approval and action = 'voucher.create' and request ->> 'batch' = new.id::text
  ) then
    raise exception 'approval % is not for batch %', new.approval, new.id using errcode = 'SP004';
  end if;
  if tg_op = 'UPDATE' and array_position(life, new.state) < array_position(life, old.state) then
    raise exception 'batch % does not go back from % to %', new.id, old.state, new.state using errcode = 'SP001';
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.voucher_range_allowed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.approval is not null and not exists (
    select from approval
    where id = new.approval and action in ('voucher.change', 'voucher.redeem_serial') and request ->> 'state' = new.state
      and (request ->> 'first')::bigint <= new.first_serial and (request ->> 'last')::bigint >= new.last_serial
  ) then
    raise exception 'approval % does not make serials % to % %', new.approval, new.first_serial, new.last_serial, new.state using errcode = 'SP004';
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.voucher_value_allowed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if not exists (select from voucher_batch where id = new.batch and state = 'draft') then
    raise exception 'the value of batch % is fixed', new.batch using errcode = 'SP001';
  end if;
  return new;
end $function$;

create table account (
  id bigint not null,
  kind text not null,
  floor bigint,
  debits_posted bigint not null default 0,
  credits_posted bigint not null default 0,
  debits_pending bigint not null default 0,
  credits_pending bigint not null default 0,
  constraint account_pkey PRIMARY KEY (id),
  constraint account_above_floor CHECK (((floor IS NULL) OR (((credits_posted - debits_posted) - debits_pending) >= floor))),
  constraint account_credits_pending_check CHECK ((credits_pending >= 0)),
  constraint account_credits_posted_check CHECK ((credits_posted >= 0)),
  constraint account_debits_pending_check CHECK ((debits_pending >= 0)),
  constraint account_debits_posted_check CHECK ((debits_posted >= 0)),
  constraint account_id_check CHECK ((id <> 0)),
  constraint account_kind_check CHECK ((kind = ANY (ARRAY['subscriber'::text, 'partner_float'::text, 'cash'::text, 'voucher_receivable'::text, 'voucher_outstanding'::text, 'voucher_breakage'::text, 'allowance'::text, 'expired_credit'::text, 'exchange'::text, 'customer_funds'::text, 'fee_income'::text, 'margin_income'::text, 'stripe_clearing'::text, 'paypal_clearing'::text, 'sandbox_clearing'::text, 'osmp_payable'::text, 'dtone_payable'::text, 'reloadly_payable'::text, 'refund_expense'::text, 'dispute_loss'::text]))),
  constraint system_account_negative CHECK (((id < 0) = (kind <> ALL (ARRAY['subscriber'::text, 'partner_float'::text]))))
) with (fillfactor=60, autovacuum_vacuum_scale_factor=0.05);
grant insert, select, update on account to sapar_app;
comment on table account is 'balance = credits_posted - debits_posted, in minor units of the unit in the id';

create table agent (
  partner bigint not null,
  protocol text not null,
  echo_tag text not null,
  answer text not null,
  account_forms text[] not null,
  sum_minor_min bigint not null,
  sum_minor_max bigint not null,
  check_sum boolean not null,
  zone_minutes smallint not null,
  language text not null,
  networks text[] not null,
  basic_user text,
  password_hashes bytea[] not null,
  certificate_header text,
  certificates text[] not null,
  bin text,
  fields text[] not null,
  register jsonb,
  created_at timestamp with time zone not null,
  changed_at timestamp with time zone not null,
  constraint agent_pkey PRIMARY KEY (partner),
  constraint agent_account_forms_check CHECK (((cardinality(account_forms) > 0) AND (account_forms <@ ARRAY['national'::text, 'seven'::text, 'eight'::text, 'plus'::text]))),
  constraint agent_answer_check CHECK ((answer = ANY (ARRAY['xml'::text, 'json'::text]))),
  constraint agent_bin_check CHECK ((bin ~ '^[0-9]{12}$'::text)),
  constraint agent_certificate_has_header CHECK (((cardinality(certificates) = 0) = (certificate_header IS NULL))),
  constraint agent_echo_tag_check CHECK ((echo_tag = ANY (ARRAY['osmp_txn_id'::text, 'txn_id'::text]))),
  constraint agent_is_told_apart CHECK (((cardinality(networks) > 0) OR (cardinality(password_hashes) > 0) OR (cardinality(certificates) > 0))),
  constraint agent_password_has_user CHECK (((cardinality(password_hashes) = 0) OR (basic_user IS NOT NULL))),
  constraint agent_password_hashes_check CHECK ((cardinality(password_hashes) <= 2)),
  constraint agent_protocol_check CHECK ((protocol = ANY (ARRAY['osmp'::text, 'kaspi'::text]))),
  constraint agent_sums CHECK (((0 < sum_minor_min) AND (sum_minor_min <= sum_minor_max))),
  constraint agent_zone_minutes_check CHECK (((zone_minutes >= '-720'::integer) AND (zone_minutes <= 840))),
  constraint agent_partner_fkey FOREIGN KEY (partner) REFERENCES partner(id)
);
grant insert, select, update on agent to sapar_app;

create table agent_payment (
  agent bigint not null,
  txn_id text not null,
  protocol text not null,
  prv_txn bigint not null generated always as identity,
  event uuid not null,
  account_index uuid not null,
  amount_minor bigint,
  txn_date timestamp with time zone not null,
  result smallint not null,
  reason text,
  answered_at timestamp with time zone not null,
  constraint agent_payment_pkey PRIMARY KEY (agent, txn_id),
  constraint agent_payment_amount_minor_check CHECK ((amount_minor >= 0)),
  constraint agent_payment_credited CHECK (((result <> 0) OR (amount_minor > 0))),
  constraint agent_payment_end CHECK (((result = 0) = (reason IS NULL))),
  constraint agent_payment_txn_id_check CHECK ((txn_id ~ '^[0-9]{1,20}$'::text))
);
CREATE INDEX agent_payment_by_date ON public.agent_payment USING btree (agent, txn_date);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.agent_payment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.agent_payment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on agent_payment to sapar_app;

create table api_key (
  id text not null,
  partner bigint not null,
  secret_hash bytea not null,
  scopes text[] not null,
  created_at timestamp with time zone not null default now(),
  revoked_at timestamp with time zone,
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_partner_fkey FOREIGN KEY (partner) REFERENCES partner(id)
);
grant insert, select, update on api_key to sapar_app;

create table approval (
  id bigint not null generated always as identity,
  action text not null,
  request jsonb not null,
  request_hash bytea not null,
  maker text not null,
  needed smallint not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  constraint approval_pkey PRIMARY KEY (id),
  constraint approval_by_serial_needs_two CHECK (((action <> 'voucher.redeem_serial'::text) OR (needed = 2))),
  constraint approval_maker_check CHECK ((maker ~ '^[a-z0-9._-]{1,64}$'::text)),
  constraint approval_needed_check CHECK (((needed >= 1) AND (needed <= 2)))
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.approval FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on approval to sapar_app;

create table approval_use (
  approval bigint not null,
  request_hash bytea not null,
  used_at timestamp with time zone not null default now(),
  constraint approval_use_pkey PRIMARY KEY (approval),
  constraint approval_use_approval_fkey FOREIGN KEY (approval) REFERENCES approval(id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.approval_use FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approval_use_allowed BEFORE INSERT ON public.approval_use FOR EACH ROW EXECUTE FUNCTION approval_use_allowed();
grant insert, select on approval_use to sapar_app;

create table approval_vote (
  approval bigint not null,
  checker text not null,
  voted_at timestamp with time zone not null default now(),
  constraint approval_vote_pkey PRIMARY KEY (approval, checker),
  constraint approval_vote_checker_check CHECK ((checker ~ '^[a-z0-9._-]{1,64}$'::text)),
  constraint approval_vote_approval_fkey FOREIGN KEY (approval) REFERENCES approval(id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.approval_vote FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approval_vote_allowed BEFORE INSERT ON public.approval_vote FOR EACH ROW EXECUTE FUNCTION approval_vote_allowed();
grant insert, select on approval_vote to sapar_app;

create table audit_entry (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  details jsonb not null default '{}'::jsonb,
  constraint audit_entry_pkey PRIMARY KEY (id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on audit_entry to sapar_app;

create table audit_seal (
  entry bigint not null,
  hash bytea not null,
  constraint audit_seal_pkey PRIMARY KEY (entry)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.audit_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.audit_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on audit_seal to sapar_app;

create table bucket (
  account bigint not null,
  expires_at timestamp with time zone not null,
  rule text not null,
  opened_at timestamp with time zone not null default now(),
  closed_at timestamp with time zone,
  constraint bucket_pkey PRIMARY KEY (account),
  constraint bucket_rule_check CHECK ((rule = ANY (ARRAY['extend'::text, 'later_of'::text, 'new'::text])))
);
CREATE INDEX bucket_expiring ON public.bucket USING btree (expires_at) WHERE (closed_at IS NULL);
grant insert, select, update on bucket to sapar_app;

create table delivery (
  order_id uuid not null,
  attempt smallint not null,
  route text not null,
  operator text not null,
  reference text not null,
  state text not null,
  operator_reference text,
  reason text,
  asked smallint not null default 0,
  began_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint delivery_pkey PRIMARY KEY (order_id, attempt),
  constraint delivery_attempt_check CHECK ((attempt > 0)),
  constraint delivery_state_check CHECK ((state = ANY (ARRAY['sending'::text, 'unknown'::text, 'delivered'::text, 'refused'::text])))
) with (fillfactor=70);
CREATE INDEX delivery_by_reference ON public.delivery USING btree (reference);
grant insert, select, update on delivery to sapar_app;

create table dispute (
  provider text not null,
  external_id text not null,
  order_id uuid not null,
  payment smallint not null,
  currency text not null,
  amount_minor bigint not null,
  state text not null,
  reason text not null,
  opened_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint dispute_pkey PRIMARY KEY (provider, external_id),
  constraint dispute_amount_minor_check CHECK ((amount_minor > 0)),
  constraint dispute_state_check CHECK ((state = ANY (ARRAY['open'::text, 'won'::text, 'lost'::text])))
);
CREATE INDEX dispute_by_order ON public.dispute USING btree (order_id);
grant insert, select, update on dispute to sapar_app;

create table fx_rate (
  currency text not null,
  day date not null,
  micro_tenge bigint not null,
  source text not null,
  fetched_at timestamp with time zone not null,
  constraint fx_rate_pkey PRIMARY KEY (currency, day),
  constraint fx_rate_micro_tenge_check CHECK ((micro_tenge > 0))
);
grant insert, select on fx_rate to sapar_app;

create unlogged table gateway_state (
  gateway text not null,
  process text not null,
  protocol text not null,
  operator text not null,
  state text not null,
  since timestamp with time zone not null,
  last_error text,
  dialogues integer not null,
  waiting integer not null,
  in_minute integer not null,
  out_minute integer not null,
  updated_at timestamp with time zone not null,
  constraint gateway_state_pkey PRIMARY KEY (gateway, process)
) with (fillfactor=50);
grant delete, insert, select, update on gateway_state to sapar_app;

create table gateway_wish (
  gateway text not null,
  wish text not null,
  reason text not null,
  actor text not null,
  wished_at timestamp with time zone not null,
  constraint gateway_wish_pkey PRIMARY KEY (gateway),
  constraint gateway_wish_wish_check CHECK ((wish = ANY (ARRAY['run'::text, 'drain'::text])))
);
grant insert, select, update on gateway_wish to sapar_app;

create table notice (
  id bigint not null generated always as identity,
  subscriber bigint not null,
  event uuid not null,
  kind text not null,
  owed_at timestamp with time zone not null default now(),
  constraint notice_pkey PRIMARY KEY (id)
);
grant insert, select on notice to sapar_app;

create table order_contact (
  order_id uuid not null,
  address bytea not null,
  language text not null,
  told text not null default ''::text,
  next_at timestamp with time zone not null,
  tries smallint not null default 0,
  changes smallint not null default 0,
  created_at timestamp with time zone not null,
  constraint order_contact_pkey PRIMARY KEY (order_id)
) with (fillfactor=60);
CREATE INDEX order_contact_due ON public.order_contact USING btree (next_at);
grant delete, insert, select, update on order_contact to sapar_app;

create table order_move (
  order_id uuid not null,
  no smallint not null,
  move text not null,
  from_state text not null,
  to_state text not null,
  reason text,
  actor text not null,
  at timestamp with time zone not null,
  details jsonb not null default '{}'::jsonb,
  constraint order_move_pkey PRIMARY KEY (order_id, no),
  constraint order_move_no_check CHECK ((no > 0))
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.order_move FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.order_move FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on order_move to sapar_app;

create table partner (
  id bigint not null,
  name text not null,
  status text not null default 'active'::text,
  created_at timestamp with time zone not null default now(),
  constraint partner_pkey PRIMARY KEY (id),
  constraint partner_name_key UNIQUE (name),
  constraint partner_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))
);
grant insert, select, update on partner to sapar_app;

create table payment (
  order_id uuid not null,
  no smallint not null,
  provider text not null,
  state text not null,
  external_id text,
  capture_id text,
  url text,
  currency text not null,
  amount_minor bigint not null,
  worth_minor bigint not null,
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  opened_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  captured_at timestamp with time zone,
  next_at timestamp with time zone,
  constraint payment_pkey PRIMARY KEY (order_id, no),
  constraint payment_amount_minor_check CHECK ((amount_minor > 0)),
  constraint payment_captured_minor_check CHECK ((captured_minor >= 0)),
  constraint payment_no_check CHECK ((no > 0)),
  constraint payment_refunded_minor_check CHECK ((refunded_minor >= 0)),
  constraint payment_refunds_within CHECK ((refunded_minor <= captured_minor)),
  constraint payment_state_check CHECK ((state = ANY (ARRAY['opening'::text, 'open'::text, 'approved'::text, 'pending'::text, 'captured'::text, 'refused'::text, 'expired'::text, 'mismatch'::text]))),
  constraint payment_worth_minor_check CHECK ((worth_minor > 0))
) with (fillfactor=70);
CREATE INDEX payment_by_capture_id ON public.payment USING btree (provider, capture_id) WHERE (capture_id IS NOT NULL);
CREATE INDEX payment_by_external_id ON public.payment USING btree (provider, external_id);
CREATE INDEX payment_due ON public.payment USING btree (next_at) WHERE (next_at IS NOT NULL);
grant insert, select, update on payment to sapar_app;

create table payment_event (
  provider text not null,
  event_id text not null,
  kind text not null,
  order_id uuid,
  outcome text not null,
  received_at timestamp with time zone not null,
  details jsonb not null default '{}'::jsonb,
  constraint payment_event_pkey PRIMARY KEY (provider, event_id)
);
CREATE INDEX payment_event_by_order ON public.payment_event USING btree (order_id) WHERE (order_id IS NOT NULL);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.payment_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.payment_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on payment_event to sapar_app;

create table recon_difference (
  id bigint not null generated always as identity,
  source text not null,
  kind text not null,
  what text not null,
  fingerprint uuid not null,
  entry text,
  external_id text,
  order_id uuid,
  item_no smallint,
  file bigint,
  line integer,
  their_state text,
  their_currency text,
  their_minor bigint,
  their_at timestamp with time zone,
  our_state text,
  our_currency text,
  our_minor bigint,
  our_at timestamp with time zone,
  stake_currency text not null,
  stake_minor bigint not null,
  first_seen timestamp with time zone not null,
  gone_at timestamp with time zone,
  resolved_at timestamp with time zone,
  resolved_by text,
  note text,
  constraint recon_difference_pkey PRIMARY KEY (id),
  constraint recon_difference_fingerprint_key UNIQUE (fingerprint),
  constraint recon_difference_kind_check CHECK ((kind = ANY (ARRAY['not_with_us'::text, 'not_in_report'::text, 'state'::text, 'currency'::text, 'amount'::text, 'number'::text, 'twice'::text, 'unexplained'::text]))),
  constraint recon_difference_stake_minor_check CHECK ((stake_minor >= 0)),
  constraint recon_difference_what_check CHECK ((what = ANY (ARRAY['payment'::text, 'refund'::text, 'dispute'::text, 'credit'::text, 'other'::text]))),
  constraint recon_resolution_whole CHECK ((num_nulls(resolved_at, resolved_by, note) = ANY (ARRAY[0, 3])))
);
CREATE INDEX recon_difference_open ON public.recon_difference USING btree (source, id) WHERE ((gone_at IS NULL) AND (resolved_at IS NULL));
CREATE TRIGGER keep_difference BEFORE UPDATE ON public.recon_difference FOR EACH ROW EXECUTE FUNCTION keep_difference();
CREATE TRIGGER keep_differences BEFORE DELETE OR TRUNCATE ON public.recon_difference FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select, update on recon_difference to sapar_app;

create table recon_file (
  id bigint not null generated always as identity,
  source text not null,
  layout text not null,
  sha256 bytea not null,
  name text not null,
  bytes bigint not null,
  rows integer not null,
  period tstzrange not null,
  is_complete boolean not null,
  imported_at timestamp with time zone not null,
  imported_by text not null,
  constraint recon_file_pkey PRIMARY KEY (id),
  constraint recon_file_sha256_key UNIQUE (sha256),
  constraint recon_file_bytes_check CHECK ((bytes > 0)),
  constraint recon_file_period_check CHECK (((NOT isempty(period)) AND (NOT lower_inf(period)) AND (NOT upper_inf(period)))),
  constraint recon_file_rows_check CHECK ((rows >= 0)),
  constraint recon_file_sha256_check CHECK ((length(sha256) = 32)),
  constraint recon_file_source_check CHECK (((source = ANY (ARRAY['stripe'::text, 'paypal'::text, 'osmp'::text, 'dtone'::text, 'reloadly'::text])) OR (source ~ '^agent:[a-z0-9][a-z0-9-]{1,62}$'::text)))
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.recon_file FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.recon_file FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on recon_file to sapar_app;

create table recon_line (
  file bigint not null,
  line integer not null,
  source text not null,
  entry text not null,
  kind text not null,
  state text not null,
  external_id text,
  names text[] not null,
  reference text,
  currency text not null,
  gross_minor bigint not null,
  fee_minor bigint not null,
  net_minor bigint not null,
  amount_currency text not null,
  amount_minor bigint not null,
  number_index uuid,
  at timestamp with time zone not null,
  extra jsonb not null default '{}'::jsonb,
  constraint recon_line_pkey PRIMARY KEY (file, line),
  constraint recon_line_adds_up CHECK ((net_minor = (gross_minor - fee_minor))),
  constraint recon_line_amount_currency_check CHECK ((amount_currency ~ '^[A-Z]{3}$'::text)),
  constraint recon_line_amount_minor_check CHECK ((amount_minor >= 0)),
  constraint recon_line_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint recon_line_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text, 'dispute'::text, 'fee'::text, 'payout'::text, 'credit'::text, 'other'::text]))),
  constraint recon_line_line_check CHECK ((line > 0)),
  constraint recon_line_state_check CHECK ((state = ANY (ARRAY['done'::text, 'pending'::text, 'failed'::text, 'reversed'::text]))),
  constraint recon_line_file_fkey FOREIGN KEY (file) REFERENCES recon_file(id)
);
CREATE INDEX recon_line_by_entry ON public.recon_line USING btree (source, entry);
CREATE INDEX recon_line_by_time ON public.recon_line USING btree (source, at);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.recon_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.recon_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on recon_line to sapar_app;

create table refund (
  order_id uuid not null,
  no smallint not null,
  payment smallint not null,
  currency text not null,
  amount_minor bigint not null,
  worth_minor bigint not null,
  state text not null,
  reason text not null,
  actor text not null,
  external_id text,
  promised_by date not null,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  next_at timestamp with time zone,
  tries smallint not null default 0,
  constraint refund_pkey PRIMARY KEY (order_id, no),
  constraint refund_amount_minor_check CHECK ((amount_minor > 0)),
  constraint refund_no_check CHECK ((no > 0)),
  constraint refund_state_check CHECK ((state = ANY (ARRAY['owed'::text, 'pending'::text, 'done'::text, 'failed'::text]))),
  constraint refund_worth_minor_check CHECK ((worth_minor >= 0))
) with (fillfactor=70);
CREATE INDEX refund_due ON public.refund USING btree (next_at) WHERE (next_at IS NOT NULL);
grant insert, select, update on refund to sapar_app;

create table sms (
  id bigint not null generated always as identity,
  kind text not null,
  event uuid,
  subscriber bigint,
  number_index uuid not null,
  number_sealed bytea,
  operator text not null,
  text text,
  parts smallint,
  state text not null default 'owed'::text,
  state_since timestamp with time zone not null,
  reason text,
  is_doubtful boolean not null default false,
  copies smallint not null default 0,
  tries smallint not null default 0,
  next_at timestamp with time zone,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  constraint sms_pkey PRIMARY KEY (id),
  constraint sms_event_key UNIQUE (event),
  constraint sms_ends CHECK (
CASE
    WHEN (next_at IS NULL) THEN (state = ANY (ARRAY['sent'::text, 'delivered'::text, 'undelivered'::text, 'expired'::text, 'failed'::text]))
    ELSE (state = ANY (ARRAY['owed'::text, 'sending'::text, 'sent'::text, 'unknown'::text]))
END),
  constraint sms_forgotten CHECK (((next_at IS NOT NULL) OR (num_nulls(text, number_sealed) = 2))),
  constraint sms_kind_check CHECK ((kind = ANY (ARRAY['topup_credited'::text, 'voucher_credited'::text, 'answer'::text]))),
  constraint sms_parts_check CHECK ((parts > 0)),
  constraint sms_reachable CHECK (((next_at IS NULL) OR (num_nonnulls(subscriber, number_sealed) > 0))),
  constraint sms_state_check CHECK ((state = ANY (ARRAY['owed'::text, 'sending'::text, 'sent'::text, 'unknown'::text, 'delivered'::text, 'undelivered'::text, 'expired'::text, 'failed'::text])))
) with (fillfactor=60, autovacuum_vacuum_scale_factor=0.05);
CREATE INDEX sms_by_end ON public.sms USING btree (state_since) WHERE (next_at IS NULL);
CREATE INDEX sms_by_number ON public.sms USING btree (number_index, id);
CREATE INDEX sms_due ON public.sms USING btree (operator, next_at) WHERE (next_at IS NOT NULL);
grant delete, insert, select, update on sms to sapar_app;

create table sms_contact (
  number_index uuid not null,
  stopped_at timestamp with time zone,
  hinted_at timestamp with time zone,
  answers_from timestamp with time zone,
  answers integer not null default 0,
  constraint sms_contact_pkey PRIMARY KEY (number_index)
) with (fillfactor=70);
grant delete, insert, select, update on sms_contact to sapar_app;

create table sms_intake (
  single boolean not null default true,
  seen_to bigint not null default 0,
  settled_to bigint not null default 0,
  mark_to bigint,
  mark_xid xid8,
  constraint sms_intake_pkey PRIMARY KEY (single),
  constraint sms_intake_mark CHECK (((mark_to IS NULL) = (mark_xid IS NULL))),
  constraint sms_intake_order CHECK (((settled_to <= seen_to) AND ((mark_to IS NULL) OR ((mark_to >= settled_to) AND (mark_to <= seen_to))))),
  constraint sms_intake_single_check CHECK (single)
);
grant select, update on sms_intake to sapar_app;

create table sms_part (
  sms bigint not null,
  copy smallint not null,
  part smallint not null,
  gateway text not null,
  message_id text not null,
  state text not null default 'accepted'::text,
  at timestamp with time zone not null,
  constraint sms_part_pkey PRIMARY KEY (sms, copy, part),
  constraint sms_part_copy_check CHECK ((copy > 0)),
  constraint sms_part_part_check CHECK ((part > 0)),
  constraint sms_part_state_check CHECK ((state = ANY (ARRAY['accepted'::text, 'silent'::text, 'delivered'::text, 'undelivered'::text, 'expired'::text, 'rejected'::text])))
) with (fillfactor=70);
CREATE INDEX sms_part_by_message ON public.sms_part USING btree (gateway, message_id);
grant delete, insert, select, update on sms_part to sapar_app;

create table sms_piece (
  number_index uuid not null,
  gateway text not null,
  reference integer not null,
  pieces smallint not null,
  no smallint not null,
  text_sealed bytea not null,
  at timestamp with time zone not null,
  constraint sms_piece_pkey PRIMARY KEY (number_index, gateway, reference, pieces, no),
  constraint sms_piece_check CHECK (((no >= 1) AND (no <= pieces))),
  constraint sms_piece_pieces_check CHECK (((pieces >= 2) AND (pieces <= 10)))
);
CREATE INDEX sms_piece_by_age ON public.sms_piece USING btree (at);
grant delete, insert, select, update on sms_piece to sapar_app;

create table sms_receipt (
  id bigint not null generated always as identity,
  gateway text not null,
  message_id text not null,
  number_index uuid not null,
  outcome text not null,
  at timestamp with time zone not null,
  constraint sms_receipt_pkey PRIMARY KEY (id),
  constraint sms_receipt_outcome_check CHECK ((outcome = ANY (ARRAY['delivered'::text, 'undelivered'::text, 'expired'::text, 'rejected'::text])))
);
CREATE INDEX sms_receipt_by_age ON public.sms_receipt USING btree (at);
CREATE INDEX sms_receipt_by_message ON public.sms_receipt USING btree (gateway, message_id);
grant delete, insert, select, update on sms_receipt to sapar_app;

create table subject (
  number_index uuid not null,
  subscriber bigint not null,
  number_sealed bytea not null,
  data_key_sealed bytea not null,
  operator text,
  language text,
  status text not null default 'active'::text,
  created_at timestamp with time zone not null default now(),
  constraint subject_pkey PRIMARY KEY (number_index),
  constraint subject_status_check CHECK ((status = ANY (ARRAY['active'::text, 'closed'::text])))
) with (fillfactor=90);
CREATE INDEX subject_by_subscriber ON public.subject USING btree (subscriber);
grant delete, insert, select, update on subject to sapar_app;

create table topup_order (
  id uuid not null,
  state text not null,
  state_since timestamp with time zone not null,
  subscriber bigint not null,
  operator text not null,
  language text not null,
  face_minor bigint,
  currency text,
  price_minor bigint,
  method text,
  charge_currency text,
  charge_minor bigint,
  fee_minor bigint,
  margin_minor bigint,
  rates jsonb,
  quoted_at timestamp with time zone,
  quote_expires_at timestamp with time zone,
  payments smallint not null default 0,
  paid_by smallint,
  deliveries smallint not null default 0,
  next_at timestamp with time zone,
  deadline_at timestamp with time zone,
  tries smallint not null default 0,
  created_at timestamp with time zone not null,
  by_link boolean not null default false,
  constraint topup_order_pkey PRIMARY KEY (id),
  constraint order_quote_whole CHECK (((state = 'draft'::text) OR ((face_minor IS NOT NULL) AND (charge_minor IS NOT NULL) AND (method IS NOT NULL)))),
  constraint topup_order_charge_minor_check CHECK ((charge_minor > 0)),
  constraint topup_order_face_minor_check CHECK ((face_minor > 0)),
  constraint topup_order_fee_minor_check CHECK ((fee_minor >= 0)),
  constraint topup_order_margin_minor_check CHECK ((margin_minor >= 0)),
  constraint topup_order_price_minor_check CHECK ((price_minor > 0)),
  constraint topup_order_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'quoted'::text, 'awaiting_payment'::text, 'expired'::text, 'paid'::text, 'sending'::text, 'unknown'::text, 'delivered'::text, 'refused'::text, 'refunding'::text, 'refunded'::text, 'case'::text])))
) with (fillfactor=60);
CREATE INDEX topup_order_by_subscriber ON public.topup_order USING btree (subscriber, created_at);
CREATE INDEX topup_order_due ON public.topup_order USING btree (next_at) WHERE (next_at IS NOT NULL);
grant delete, insert, select, update on topup_order to sapar_app;

create table topup_request (
  id uuid not null,
  subscriber bigint not null,
  operator text not null,
  face_minor bigint,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint topup_request_pkey PRIMARY KEY (id),
  constraint topup_request_face_minor_check CHECK ((face_minor > 0))
);
grant delete, insert, select on topup_request to sapar_app;

create table transfer (
  event uuid not null,
  leg smallint not null,
  phase smallint not null default 0,
  kind text not null,
  code text not null,
  debit bigint not null,
  credit bigint not null,
  amount bigint not null,
  unit smallint not null,
  effective_at timestamp with time zone not null default now(),
  recorded_at timestamp with time zone not null default now(),
  constraint transfer_pkey PRIMARY KEY (event, leg, phase),
  constraint transfer_amount_check CHECK ((amount > 0)),
  constraint transfer_kind_check CHECK ((kind = ANY (ARRAY['posted'::text, 'pending'::text, 'captured'::text, 'released'::text]))),
  constraint transfer_leg_check CHECK ((leg >= 0)),
  constraint transfer_moves CHECK ((debit <> credit)),
  constraint transfer_one_unit CHECK (((unit = unit_of_account(debit)) AND (unit = unit_of_account(credit)))),
  constraint transfer_phase CHECK (((phase = 1) = (kind = ANY (ARRAY['captured'::text, 'released'::text])))),
  constraint transfer_phase_check CHECK ((phase = ANY (ARRAY[0, 1])))
);
CREATE INDEX transfer_by_credit ON public.transfer USING btree (credit, recorded_at) WHERE (credit > 0);
CREATE INDEX transfer_by_debit ON public.transfer USING btree (debit, recorded_at) WHERE ((debit > 0) AND ((debit & (65535)::bigint) <> 65535));
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on transfer to sapar_app;

create table unit (
  no smallint not null,
  code text not null,
  decimals smallint not null,
  constraint unit_pkey PRIMARY KEY (no),
  constraint unit_code_key UNIQUE (code),
  constraint unit_no_check CHECK (((no >= 1) AND (no <= 15)))
);
grant select on unit to sapar_app;

create unlogged table ussd_session (
  gateway text not null,
  session text not null,
  number_index uuid not null,
  state text not null,
  started_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint ussd_session_pkey PRIMARY KEY (gateway, session)
) with (fillfactor=60, autovacuum_vacuum_scale_factor=0.05);
CREATE INDEX ussd_session_by_age ON public.ussd_session USING btree ((started_at AT TIME ZONE 'UTC'::text));
CREATE INDEX ussd_session_by_number ON public.ussd_session USING btree (number_index, started_at);
grant delete, insert, select, update on ussd_session to sapar_app;

create table voucher (
  mac uuid not null,
  batch bigint not null,
  serial bigint not null,
  constraint voucher_pkey PRIMARY KEY (mac)
);
CREATE INDEX voucher_by_serial ON public.voucher USING btree (serial);
grant insert, select on voucher to sapar_app;

create table voucher_attempts (
  minute timestamp with time zone not null,
  stripe integer not null,
  attempts bigint not null,
  missing bigint not null,
  constraint voucher_attempts_pkey PRIMARY KEY (minute, stripe)
);
grant delete, insert, select, update on voucher_attempts to sapar_app;

create table voucher_batch (
  id bigint not null generated always as identity,
  operator text not null,
  note text not null default ''::text,
  count integer not null,
  digits smallint not null,
  state text not null default 'draft'::text,
  first_serial bigint not null,
  last_serial bigint not null,
  expires_at timestamp with time zone not null,
  recipients text[] not null,
  key_id smallint,
  manifest jsonb,
  maker text not null,
  created_at timestamp with time zone not null default now(),
  approval bigint,
  constraint voucher_batch_pkey PRIMARY KEY (id),
  constraint voucher_batch_approval_key UNIQUE (approval),
  constraint voucher_batch_first_serial_key UNIQUE (first_serial),
  constraint batch_approved CHECK (((state = 'draft'::text) = (approval IS NULL))),
  constraint batch_serials CHECK ((((last_serial - first_serial) + 1) = count)),
  constraint voucher_batch_count_check CHECK ((count > 0)),
  constraint voucher_batch_digits_check CHECK (((digits >= 12) AND (digits <= 20))),
  constraint voucher_batch_recipients_check CHECK (((cardinality(recipients) >= 1) AND (cardinality(recipients) <= 4))),
  constraint voucher_batch_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'approved'::text, 'generated'::text, 'printed'::text, 'distributed'::text, 'closed'::text]))),
  constraint voucher_batch_approval_fkey FOREIGN KEY (approval) REFERENCES approval_use(approval)
);
CREATE TRIGGER voucher_batch_allowed BEFORE INSERT OR UPDATE ON public.voucher_batch FOR EACH ROW EXECUTE FUNCTION voucher_batch_allowed();
grant insert, select on voucher_batch to sapar_app;

create table voucher_breaker (
  single boolean not null default true,
  tripped_at timestamp with time zone,
  last_dirty_at timestamp with time zone,
  constraint voucher_breaker_pkey PRIMARY KEY (single),
  constraint voucher_breaker_single_check CHECK (single)
);
grant select, update on voucher_breaker to sapar_app;

create table voucher_end (
  mac uuid not null,
  kind text not null,
  batch bigint not null,
  serial bigint not null,
  ended_at timestamp with time zone not null default now(),
  subscriber bigint,
  event uuid,
  channel text,
  constraint voucher_end_pkey PRIMARY KEY (mac),
  constraint redeemed_by_somebody CHECK (((kind = 'redeemed'::text) = ((subscriber IS NOT NULL) AND (event IS NOT NULL) AND (channel IS NOT NULL)))),
  constraint voucher_end_kind_check CHECK ((kind = ANY (ARRAY['redeemed'::text, 'void'::text, 'expired'::text])))
);
CREATE INDEX voucher_end_by_serial ON public.voucher_end USING btree (serial);
CREATE INDEX voucher_end_by_subscriber ON public.voucher_end USING btree (subscriber, ended_at) WHERE (subscriber IS NOT NULL);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.voucher_end FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.voucher_end FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
grant insert, select on voucher_end to sapar_app;

create table voucher_guess (
  scope text not null,
  id text not null,
  window_from timestamp with time zone not null,
  wrong integer not null,
  barred_until timestamp with time zone,
  constraint voucher_guess_pkey PRIMARY KEY (scope, id),
  constraint voucher_guess_scope_check CHECK ((scope = ANY (ARRAY['caller'::text, 'target'::text, 'key'::text, 'address'::text]))),
  constraint voucher_guess_wrong_check CHECK ((wrong > 0))
);
grant delete, insert, select, update on voucher_guess to sapar_app;

create table voucher_range (
  batch bigint not null,
  first_serial bigint not null,
  last_serial bigint not null,
  state text not null,
  issued boolean not null,
  approval bigint,
  changed_at timestamp with time zone not null default now(),
  constraint voucher_range_pkey PRIMARY KEY (batch, first_serial),
  constraint range_approved CHECK (((state = 'created'::text) = (approval IS NULL))),
  constraint range_issued CHECK (
CASE state
    WHEN 'created'::text THEN (NOT issued)
    WHEN 'active'::text THEN issued
    WHEN 'damaged'::text THEN issued
    ELSE true
END),
  constraint range_order CHECK ((first_serial <= last_serial)),
  constraint voucher_range_state_check CHECK ((state = ANY (ARRAY['created'::text, 'active'::text, 'locked'::text, 'damaged'::text, 'stolen'::text, 'void'::text]))),
  constraint voucher_range_approval_fkey FOREIGN KEY (approval) REFERENCES approval_use(approval),
  constraint voucher_range_batch_fkey FOREIGN KEY (batch) REFERENCES voucher_batch(id)
);
CREATE TRIGGER voucher_range_allowed BEFORE INSERT ON public.voucher_range FOR EACH ROW EXECUTE FUNCTION voucher_range_allowed();
grant delete, insert, select on voucher_range to sapar_app;

create table voucher_refusal (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  reason text not null,
  channel text not null,
  caller text not null,
  target text not null,
  serial bigint,
  constraint voucher_refusal_pkey PRIMARY KEY (id)
);
CREATE INDEX voucher_refusal_by_target ON public.voucher_refusal USING btree (target, at);
grant insert, select on voucher_refusal to sapar_app;

create table voucher_value (
  batch bigint not null,
  leg smallint not null,
  unit smallint not null,
  amount bigint not null,
  valid_days integer,
  constraint voucher_value_pkey PRIMARY KEY (batch, leg),
  constraint voucher_value_amount_check CHECK ((amount > 0)),
  constraint voucher_value_leg_check CHECK ((leg >= 0)),
  constraint voucher_value_valid_days_check CHECK ((valid_days > 0)),
  constraint voucher_value_batch_fkey FOREIGN KEY (batch) REFERENCES voucher_batch(id),
  constraint voucher_value_unit_fkey FOREIGN KEY (unit) REFERENCES unit(no)
);
CREATE TRIGGER voucher_value_allowed BEFORE INSERT ON public.voucher_value FOR EACH ROW EXECUTE FUNCTION voucher_value_allowed();
grant insert, select on voucher_value to sapar_app;
