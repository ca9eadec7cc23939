-- What each process says of its links to operators' networks, every few seconds. Unlogged: after a crash it is said again.
create unlogged table gateway_state (
  gateway text not null,
  process text not null,
  protocol text not null,
  operator text not null,
  state text not null,
  since timestamptz not null,
  last_error text,
  dialogues integer not null,
  waiting integer not null,
  in_minute integer not null,
  out_minute integer not null,
  updated_at timestamptz not null,
  primary key (gateway, process)
) with (fillfactor = 50);

-- What staff want of a link: it stands until they want something else, and every process obeys it.
create table gateway_wish (
  gateway text primary key,
  wish text not null check (wish in ('run', 'drain')),
  reason text not null,
  actor text not null,
  wished_at timestamptz not null
);

grant select, insert, update, delete on gateway_state to sapar_app;
grant select, insert, update on gateway_wish to sapar_app;
