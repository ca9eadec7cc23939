-- Scratch-card vouchers. A voucher row never changes after it is loaded; what happens to it is said by two other tables:
-- `voucher_range` maps serial ranges to a state (activating a million cards is one row), and `voucher_end` holds the one
-- terminal fact of a voucher. Its primary key is what makes redeemed, void and expired exclude each other under any race.

create table voucher_batch (
  id bigint generated always as identity primary key,
  operator text not null,
  note text not null default '',
  count integer not null check (count > 0),
  digits smallint not null check (digits between 12 and 20),
  state text not null default 'draft' check (state in ('draft', 'approved', 'generated', 'printed', 'distributed', 'closed')),
  -- Serials are public and sequential; the range is claimed when the batch is drafted.
  first_serial bigint not null unique,
  last_serial bigint not null,
  -- The card may be redeemed before this instant.
  expires_at timestamptz not null,
  -- Public keys the print file is encrypted to: the printer's and, where there is one, the escrow's.
  recipients text[] not null check (cardinality(recipients) between 1 and 4),
  -- Which PIN key the MACs were made with, and what the printer received.
  key_id smallint,
  manifest jsonb,
  maker text not null,
  created_at timestamptz not null default now(),
  -- The used approval that let the batch leave draft.
  approval bigint unique references approval_use (approval),
  constraint batch_serials check (last_serial - first_serial + 1 = count),
  constraint batch_approved check ((state = 'draft') = (approval is null))
);
create function voucher_batch_allowed() returns trigger language plpgsql as $$
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
end $$;
create trigger voucher_batch_allowed before insert or update on voucher_batch for each row execute function voucher_batch_allowed();
create sequence voucher_serial as bigint minvalue 1000000001;

-- What one card is worth: money, or several buckets.
create table voucher_value (
  batch bigint not null references voucher_batch (id),
  leg smallint not null check (leg >= 0),
  unit smallint not null references unit (no),
  amount bigint not null check (amount > 0),
  -- Life of the credit after redemption; null keeps.
  valid_days integer check (valid_days > 0),
  primary key (batch, leg)
);
-- The value is part of what was approved.
create function voucher_value_allowed() returns trigger language plpgsql as $$
begin
  if not exists (select from voucher_batch where id = new.batch and state = 'draft') then
    raise exception 'the value of batch % is fixed', new.batch using errcode = 'SP001';
  end if;
  return new;
end $$;
create trigger voucher_value_allowed before insert on voucher_value for each row execute function voucher_value_allowed();

create table voucher (
  -- HMAC-SHA-256 of the PIN under a key outside the database, first 128 bits. The clear PIN exists on the card alone.
  mac uuid primary key,
  batch bigint not null,
  serial bigint not null
);
create index voucher_by_serial on voucher (serial);

-- The state of each stretch of serials. Stretches of one batch do not overlap. Whatever is not as it was loaded names the used
-- approval that made it so; a stretch that is split keeps its approval in all its parts.
create table voucher_range (
  batch bigint not null references voucher_batch (id),
  first_serial bigint not null,
  last_serial bigint not null,
  state text not null check (state in ('created', 'active', 'locked', 'damaged', 'stolen', 'void')),
  -- Whether the face value has been counted as outstanding: true from the first activation on.
  issued boolean not null,
  approval bigint references approval_use (approval),
  changed_at timestamptz not null default now(),
  primary key (batch, first_serial),
  constraint range_order check (first_serial <= last_serial),
  constraint range_approved check ((state = 'created') = (approval is null)),
  constraint range_issued check (case state when 'created' then not issued when 'active' then issued when 'damaged' then issued else true end)
);
create function voucher_range_allowed() returns trigger language plpgsql as $$
begin
  if new.approval is not null and not exists (
    select from approval
    where id = new.approval and action in ('voucher.change', 'voucher.redeem_serial') and request ->> 'state' = new.state
      and (request ->> 'first')::bigint <= new.first_serial and (request ->> 'last')::bigint >= new.last_serial
  ) then
    raise exception 'approval % does not make serials % to % %', new.approval, new.first_serial, new.last_serial, new.state using errcode = 'SP004';
  end if;
  return new;
end $$;
create trigger voucher_range_allowed before insert on voucher_range for each row execute function voucher_range_allowed();

create table voucher_end (
  mac uuid primary key,
  kind text not null check (kind in ('redeemed', 'void', 'expired')),
  batch bigint not null,
  serial bigint not null,
  ended_at timestamptz not null default now(),
  -- Of a redemption: who was credited, the ledger event, and the door it came through.
  subscriber bigint,
  event uuid,
  channel text,
  constraint redeemed_by_somebody check ((kind = 'redeemed') = (subscriber is not null and event is not null and channel is not null))
);
create index voucher_end_by_subscriber on voucher_end (subscriber, ended_at) where subscriber is not null;
create index voucher_end_by_serial on voucher_end (serial);
create trigger append_only before update or delete on voucher_end for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on voucher_end for each statement execute function refuse_change();

-- Guess ladder: wrong tries of a caller, a target, an API key or an address. Numbers appear as their blind index only.
create table voucher_guess (
  scope text not null check (scope in ('caller', 'target', 'key', 'address')),
  id text not null,
  window_from timestamptz not null,
  wrong integer not null check (wrong > 0),
  barred_until timestamptz,
  primary key (scope, id)
);

-- Attempts a minute, striped by lane; the global breaker reads their sum over the last minutes.
create table voucher_attempts (
  minute timestamptz not null,
  stripe integer not null,
  attempts bigint not null,
  missing bigint not null,
  primary key (minute, stripe)
);
create table voucher_breaker (
  single boolean primary key default true check (single),
  tripped_at timestamptz,
  last_dirty_at timestamptz
);
insert into voucher_breaker (single) values (true);

-- Refused attempts in detail, for staff: the caller is told the same words whatever the reason.
create table voucher_refusal (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  reason text not null,
  channel text not null,
  caller text not null,
  target text not null,
  serial bigint
);
create index voucher_refusal_by_target on voucher_refusal (target, at);

-- What a batch is never changes; how far it has come does.
grant select, insert, update (state, approval, key_id, manifest) on voucher_batch to sapar_app;
grant select, insert on voucher_value, voucher, voucher_end, voucher_refusal to sapar_app;
grant usage, update on sequence voucher_serial to sapar_app;
grant select, insert, delete on voucher_range to sapar_app;
grant select, insert, update, delete on voucher_guess, voucher_attempts to sapar_app;
grant select, update on voucher_breaker to sapar_app;
