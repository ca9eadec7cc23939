-- Messages owed to people, written in the transaction that owes them. Sending is somebody else's business and may take days.
create table notice (
  id bigint generated always as identity primary key,
  subscriber bigint not null,
  event uuid not null,
  kind text not null,
  owed_at timestamptz not null default now()
);

-- USSD dialogues, shared by stateless processes. Unlogged: losing one costs a redial, never money, because money is
-- idempotent by number and PIN. Rows live for an hour at most (src/dialogues). No index holds a column that a step
-- changes, so that a step is a HOT update.
create unlogged table ussd_session (
  gateway text not null,
  session text not null,
  -- Blind index of the number: a redial finds the dialogue that was dropped.
  number_index uuid not null,
  -- JSON of the channel's own, read by no statement. A PIN in it is sealed under the master key.
  state text not null,
  started_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (gateway, session)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
create index ussd_session_by_number on ussd_session (number_index, started_at);
-- For the sweep alone. On an expression, because beside a plain index on started_at the planner may look for a number's latest
-- dialogue among everybody's.
create index ussd_session_by_age on ussd_session ((started_at at time zone 'UTC'));

grant select, insert on notice to sapar_app;
grant select, insert, update, delete on ussd_session to sapar_app;
