-- The ledger: accounts with four counters that only grow, and transfers that are only ever inserted.
-- Scale-out constraints kept from here on: every unique key contains the column the table would be distributed by
-- (transfer: event; account, bucket: id), no foreign key to hot accounts, no sequence in a distributed key.

-- The application works under this role; it is narrowed to insert and select on what must never change. Who may not create
-- roles finds it made by somebody who may.
do $$
begin
  if not exists (select from pg_roles where rolname = 'sapar_app') then
    create role sapar_app nologin;
  end if;
exception
  -- Another database of this server is being migrated at the same moment.
  when duplicate_object or unique_violation then null;
  when insufficient_privilege then
    raise exception '% may not create roles. Whoever may, runs: create role sapar_app nologin; grant sapar_app to %', current_user, current_user
      using errcode = '42501';
end $$;
do $$
begin
  -- Tried, because from PostgreSQL 16 on a member may or may not be allowed to become the role.
  set local role sapar_app;
  set local role none;
exception
  when insufficient_privilege then
    begin
      grant sapar_app to current_user;
    exception
      when insufficient_privilege then
        raise exception '% may not become sapar_app. Whoever may, runs: grant sapar_app to %', current_user, current_user using errcode = '42501';
    end;
end $$;
grant usage on schema public to sapar_app;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% on % is not allowed: it is append-only', tg_op, tg_table_name using errcode = 'SP001';
end $$;

-- Fails a statement that touched another number of rows than it named: a posting to an account that is not there must not
-- commit. Called once a statement.
create function expect_rows(actual bigint, expected bigint) returns boolean language plpgsql immutable as $$
begin
  if actual <> expected then
    raise exception 'a statement touched % rows, not %', actual, expected using errcode = 'SP005';
  end if;
  return true;
end $$;

-- What an account counts. The number is part of every account id, see account.id.
create table unit (
  no smallint primary key check (no between 1 and 15),
  code text not null unique,
  decimals smallint not null
);
insert into unit (no, code, decimals) values (1, 'KZT', 2), (2, 'KZT_BONUS', 2), (3, 'MB', 3), (4, 'SECOND', 0), (5, 'SMS', 0);

-- id = owner << 20 | unit << 16 | slot for a party's account; the same bits negated for a system account, with its kind as
-- owner and its stripe as slot. So the unit of an account is in its id, and a party's accounts are one range of keys.
-- Slot 0 is main credit that keeps, 1 and up are buckets with an end, 65535 is a partner's float.
create function unit_of_account(id bigint) returns smallint language sql immutable parallel safe
  return ((abs(id) >> 16) & 15)::smallint;

create table account (
  id bigint primary key check (id <> 0),
  kind text not null check (kind in ('subscriber', 'partner_float', 'cash', 'voucher_receivable', 'voucher_outstanding', 'voucher_breakage', 'allowance', 'expired_credit')),
  -- Lowest balance allowed, in minor units; null for system accounts, which have none.
  floor bigint,
  debits_posted bigint not null default 0 check (debits_posted >= 0),
  credits_posted bigint not null default 0 check (credits_posted >= 0),
  debits_pending bigint not null default 0 check (debits_pending >= 0),
  credits_pending bigint not null default 0 check (credits_pending >= 0),
  -- Pending debits already count as spent: a hold cannot be overtaken.
  constraint account_above_floor check (floor is null or credits_posted - debits_posted - debits_pending >= floor),
  constraint system_account_negative check ((id < 0) = (kind not in ('subscriber', 'partner_float')))
) with (fillfactor = 60);
comment on table account is 'balance = credits_posted - debits_posted, in minor units of the unit in the id';
alter table account set (autovacuum_vacuum_scale_factor = 0.05);

-- Striped, so that system accounts are never a hot row: each lane posts to its own stripe and a balance is their sum.
insert into account (id, kind)
select -((kinds.no::bigint << 20) | (unit.no::bigint << 16) | stripe), kinds.kind
from (values (1, 'cash'), (2, 'voucher_receivable'), (3, 'voucher_outstanding'), (4, 'voucher_breakage'), (5, 'allowance'), (6, 'expired_credit')) as kinds (no, kind),
  unit, generate_series(0, 15) as stripe;

-- A bucket that ends: present only for accounts whose credit expires. Main money has no row and keeps.
create table bucket (
  account bigint primary key,
  expires_at timestamptz not null,
  rule text not null check (rule in ('extend', 'later_of', 'new')),
  opened_at timestamptz not null default now(),
  closed_at timestamptz
);
create index bucket_expiring on bucket (expires_at) where closed_at is null;

-- One row: one debit, one credit, one positive amount; unbalanced cannot be written. The legs of one event share its id
-- and are inserted together. The id is derived from the caller's key, so the primary key is the idempotency of money.
-- phase 1 ends a hold (phase 0, kind 'pending') under the same event and leg: the primary key lets each hold end once.
create table transfer (
  event uuid not null,
  leg smallint not null check (leg >= 0),
  phase smallint not null default 0 check (phase in (0, 1)),
  kind text not null check (kind in ('posted', 'pending', 'captured', 'released')),
  code text not null,
  debit bigint not null,
  credit bigint not null,
  -- A captured transfer may be smaller than its hold; a released one repeats the hold's amount.
  amount bigint not null check (amount > 0),
  unit smallint not null,
  effective_at timestamptz not null default now(),
  recorded_at timestamptz not null default now(),
  primary key (event, leg, phase),
  constraint transfer_moves check (debit <> credit),
  constraint transfer_one_unit check (unit = unit_of_account(debit) and unit = unit_of_account(credit)),
  constraint transfer_phase check ((phase = 1) = (kind in ('captured', 'released')))
);
create index transfer_by_credit on transfer (credit, recorded_at) where credit > 0;
-- Floats (slot 65535) are left out: their history is the partner's orders, and their entries would be the hottest page of all.
create index transfer_by_debit on transfer (debit, recorded_at) where debit > 0 and debit & 65535 <> 65535;
create trigger append_only before update or delete on transfer for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on transfer for each statement execute function refuse_change();

grant select on unit to sapar_app;
grant select, insert, update on account, bucket to sapar_app;
grant select, insert on transfer to sapar_app;
