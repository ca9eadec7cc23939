-- Orders that are delivered at once: a partner credits a number from its float. The id is derived from the partner and its
-- key, so this primary key is also the claim on the key; the row is the first answer that a repeat is given.
create table topup_order (
  id uuid primary key,
  partner bigint not null,
  subscriber bigint not null,
  unit smallint not null,
  amount bigint not null check (amount > 0),
  channel text not null,
  state text not null check (state in ('delivered')),
  created_at timestamptz not null default now()
);

-- Messages owed to people, written in the transaction that owes them. Sending is somebody else's business and may take days.
create table notice (
  id bigint generated always as identity primary key,
  subscriber bigint not null,
  event uuid not null,
  kind text not null,
  owed_at timestamptz not null default now()
);

-- USSD dialogues, shared by stateless processes. Unlogged: losing one costs a redial, never money, because money is
-- idempotent by number and PIN.
create unlogged table ussd_session (
  gateway text not null,
  session text not null,
  -- Blind index of the number: a redial finds the dialogue that was dropped.
  number_index uuid not null,
  operator text not null,
  state jsonb not null,
  updated_at timestamptz not null default now(),
  primary key (gateway, session)
) with (fillfactor = 60);
create index ussd_session_by_number on ussd_session (number_index, updated_at);

grant select, insert on topup_order, notice to sapar_app;
grant select, insert, update, delete on ussd_session to sapar_app;
