-- Text messages. `notice` stays the outbox, written once by the transaction that owes; what an operator's SMS route can carry is moved from there into
-- `sms`, and kept until it has arrived or its time is over. A number is read when something is sent, and never kept here in the clear.

create table sms (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('topup_credited', 'voucher_credited', 'answer')),
  -- The credit it tells of. A credit is told once, as news or as the answer to whoever asked for it.
  event uuid unique,
  -- Whose number it goes to; who never had a credit has no subscriber, and the number is kept sealed until the message has ended.
  subscriber bigint,
  number_index uuid not null,
  number_sealed bytea,
  -- Whose route carries it.
  operator text not null,
  -- The words, from the first sending on, so that a repeat is the same; forgotten when it has ended. Never a PIN, never a full number.
  text text,
  -- Messages the network makes of it, known with the words.
  parts smallint check (parts > 0),
  -- sending: in a worker's hands. sent: the SMS centre has all of it. unknown: whether it has is not known.
  state text not null default 'owed' check (state in ('owed', 'sending', 'sent', 'unknown', 'delivered', 'undelivered', 'expired', 'failed')),
  state_since timestamptz not null,
  -- Why it was put off, or has ended: a code of ours or of the SMS centre, never text with a number in it.
  reason text,
  -- Some of it may have arrived without our knowing: whatever is sent from here on is marked as a repeat.
  is_doubtful boolean not null default false,
  -- How often it was handed over, in whole or in part, and how often that came to nothing.
  copies smallint not null default 0,
  tries smallint not null default 0,
  -- When a worker must look at it again; null when it has ended.
  next_at timestamptz,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  -- Where an SMS centre gives no receipts, sent is as far as it goes.
  constraint sms_ends check (case when next_at is null then state in ('sent', 'delivered', 'undelivered', 'expired', 'failed')
    else state in ('owed', 'sending', 'sent', 'unknown') end),
  constraint sms_reachable check (next_at is null or num_nonnulls(subscriber, number_sealed) > 0),
  constraint sms_forgotten check (next_at is not null or num_nulls(text, number_sealed) = 2)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
create index sms_due on sms (operator, next_at) where next_at is not null;
create index sms_by_number on sms (number_index, id);
create index sms_by_end on sms (state_since) where next_at is null;

-- One part of one copy, as the SMS centre has taken it.
create table sms_part (
  sms bigint not null,
  copy smallint not null check (copy > 0),
  part smallint not null check (part > 0),
  gateway text not null,
  -- The SMS centre's name for it, by which its receipt comes.
  message_id text not null,
  -- silent: its receipt was waited for in vain.
  state text not null default 'accepted' check (state in ('accepted', 'silent', 'delivered', 'undelivered', 'expired', 'rejected')),
  at timestamptz not null,
  primary key (sms, copy, part)
) with (fillfactor = 70);
create index sms_part_by_message on sms_part (gateway, message_id);

-- A receipt that came before what it is about was written down, by another connection or after a crash: found when that is.
create table sms_receipt (
  id bigint generated always as identity primary key,
  gateway text not null,
  message_id text not null,
  number_index uuid not null,
  outcome text not null check (outcome in ('delivered', 'undelivered', 'expired', 'rejected')),
  at timestamptz not null
);
create index sms_receipt_by_message on sms_receipt (gateway, message_id);
create index sms_receipt_by_age on sms_receipt (at);

-- How far `notice` has been read. Ids are given out before commit, so what is read is read again once nobody who was writing then is still writing:
-- up to `settled_to` nothing can appear any more; `mark_to` is settled when every transaction before `mark_xid` has ended.
create table sms_intake (
  single boolean primary key default true check (single),
  seen_to bigint not null default 0,
  settled_to bigint not null default 0,
  mark_to bigint,
  mark_xid xid8,
  constraint sms_intake_order check (settled_to <= seen_to and (mark_to is null or mark_to between settled_to and seen_to)),
  constraint sms_intake_mark check ((mark_to is null) = (mark_xid is null))
);
insert into sms_intake (single) values (true);

-- What a number wants and how much it has been told. Found by blind index, because who was never credited is no subscriber.
create table sms_contact (
  number_index uuid primary key,
  -- Since when it wants no notices.
  stopped_at timestamptz,
  -- When a text that nobody understood was answered last.
  hinted_at timestamptz,
  -- Answers since then, which are limited.
  answers_from timestamptz,
  answers integer not null default 0
) with (fillfactor = 70);

-- A long message on its way in, part by part. Sealed: it may hold a card's code.
create table sms_piece (
  number_index uuid not null,
  gateway text not null,
  reference integer not null,
  pieces smallint not null check (pieces between 2 and 10),
  no smallint not null check (no between 1 and pieces),
  text_sealed bytea not null,
  at timestamptz not null,
  primary key (number_index, gateway, reference, pieces, no)
);
create index sms_piece_by_age on sms_piece (at);

grant select, insert, update, delete on sms, sms_part, sms_receipt, sms_contact, sms_piece to sapar_app;
grant select, update on sms_intake to sapar_app;
