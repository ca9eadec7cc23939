-- Reconciliation: what others say of our money, line by line as their reports have it, and where our books say otherwise. Nothing here
-- moves money.

create table recon_file (
  id bigint generated always as identity primary key,
  source text not null check (source in ('stripe', 'paypal', 'osmp', 'dtone', 'reloadly')),
  -- How it was read: `stripe.activity`.
  layout text not null,
  -- The same bytes are imported once, under whatever name.
  sha256 bytea not null unique check (length(sha256) = 32),
  name text not null,
  bytes bigint not null check (bytes > 0),
  rows int not null check (rows >= 0),
  -- The time it speaks of.
  period tstzrange not null check (not isempty(period) and not lower_inf(period) and not upper_inf(period)),
  -- Whether it names all there was in that time: only then is something of ours missing in it.
  is_complete boolean not null,
  imported_at timestamptz not null,
  imported_by text not null
);
create trigger append_only before update or delete on recon_file for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on recon_file for each statement execute function refuse_change();

create table recon_line (
  file bigint not null references recon_file (id),
  -- Where it stands in the file.
  line int not null check (line > 0),
  source text not null,
  -- The other side's own name for this movement: files that overlap have the same one.
  entry text not null,
  kind text not null check (kind in ('payment', 'refund', 'dispute', 'fee', 'payout', 'credit', 'other')),
  state text not null check (state in ('done', 'pending', 'failed', 'reversed')),
  -- The other side's name for the payment, refund, dispute or credit itself.
  external_id text,
  -- Every name by which our books may know the payment or delivery it is about.
  names text[] not null,
  -- Ours, where the report has it.
  reference text,
  -- As it moved the balance that the other side keeps of us.
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  gross_minor bigint not null,
  fee_minor bigint not null,
  net_minor bigint not null,
  -- As the payer or the phone saw it, without a sign: what our books must agree with.
  amount_currency text not null check (amount_currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor >= 0),
  -- The blind index of the number that was credited. The number itself is never kept.
  number_index uuid,
  at timestamptz not null,
  -- Words and ids of the other side, for staff; no personal data.
  extra jsonb not null default '{}',
  primary key (file, line),
  constraint recon_line_adds_up check (net_minor = gross_minor - fee_minor)
);
create index recon_line_by_entry on recon_line (source, entry);
-- What is compared is what has happened lately.
create index recon_line_by_time on recon_line (source, at);
create trigger append_only before update or delete on recon_line for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on recon_line for each statement execute function refuse_change();

-- Where a report and our books disagree. Computed from both; what is written here is when it was first seen and what staff made of it.
create table recon_difference (
  id bigint generated always as identity primary key,
  source text not null,
  kind text not null check (kind in ('not_with_us', 'not_in_report', 'state', 'currency', 'amount', 'number', 'twice', 'unexplained')),
  what text not null check (what in ('payment', 'refund', 'dispute', 'credit', 'other')),
  -- Made of the facts below: other facts are another difference.
  fingerprint uuid not null unique,
  entry text,
  external_id text,
  -- Ours: the number of the payment, refund or delivery within its order.
  order_id uuid,
  item_no smallint,
  file bigint,
  line int,
  their_state text,
  their_currency text,
  their_minor bigint,
  their_at timestamptz,
  our_state text,
  our_currency text,
  our_minor bigint,
  our_at timestamptz,
  stake_currency text not null,
  stake_minor bigint not null check (stake_minor >= 0),
  first_seen timestamptz not null,
  -- Report and books agree since then, by a later file or because the books have moved on.
  gone_at timestamptz,
  resolved_at timestamptz,
  resolved_by text,
  note text,
  constraint recon_resolution_whole check (num_nulls(resolved_at, resolved_by, note) in (0, 3))
);
create index recon_difference_open on recon_difference (source, id) where gone_at is null and resolved_at is null;

-- The facts of a difference never change and a resolution is never taken back.
create function keep_difference() returns trigger language plpgsql as $$
declare
  judgement constant text[] := array['gone_at', 'resolved_at', 'resolved_by', 'note'];
begin
  if to_jsonb(old) - judgement is distinct from to_jsonb(new) - judgement
    or (old.resolved_at is not null and (old.resolved_at, old.resolved_by, old.note) is distinct from (new.resolved_at, new.resolved_by, new.note)) then
    raise exception 'a difference keeps its facts and its resolution' using errcode = 'SP001';
  end if;
  return new;
end $$;
create trigger keep_difference before update on recon_difference for each row execute function keep_difference();
create trigger keep_differences before delete or truncate on recon_difference for each statement execute function refuse_change();

grant select, insert on recon_file, recon_line to sapar_app;
grant select, insert, update on recon_difference to sapar_app;
