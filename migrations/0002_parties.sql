-- Who holds accounts. A number and its owner's name live in `subject` alone; everything else holds the opaque party id.

create sequence party_id as bigint minvalue 1000 maxvalue 8796093022207;

-- Erasing a person destroys this row and with it the data key; ledger sums do not change.
create table subject (
  -- HMAC-SHA-256 of the number under a key outside the database, 128 bits: finds a number without storing it.
  number_index uuid primary key,
  subscriber bigint not null,
  -- AES-256-GCM under the data key; the data key itself under the master key. nonce || ciphertext || tag.
  number_sealed bytea not null,
  data_key_sealed bytea not null,
  -- The operator the number was last seen with; numbers are portable.
  operator text,
  language text,
  status text not null default 'active' check (status in ('active', 'closed')),
  created_at timestamptz not null default now()
) with (fillfactor = 90);
create index subject_by_subscriber on subject (subscriber);

create table partner (
  id bigint primary key,
  name text not null unique,
  status text not null default 'active' check (status in ('active', 'suspended')),
  created_at timestamptz not null default now()
);

create table api_key (
  id text primary key,
  partner bigint not null references partner (id),
  -- SHA-256 of a 256-bit random secret: nothing to guess, so no slow hash is needed.
  secret_hash bytea not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

-- Who did what, for everything done by staff or partners outside the plain flow of money. Sealed into a hash chain in the
-- background, see src/audit.
create table audit_entry (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  details jsonb not null default '{}'
);
create trigger append_only before update or delete on audit_entry for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on audit_entry for each statement execute function refuse_change();

-- One row a sealed entry: hash = SHA-256(previous hash || canonical entry). A gap or an edit breaks the chain from there on.
create table audit_seal (
  entry bigint primary key,
  hash bytea not null
);
create trigger append_only before update or delete on audit_seal for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on audit_seal for each statement execute function refuse_change();

-- Consent of others to one exact request: the request is bound by its hash and expires, checkers are neither the maker nor each
-- other, and it is used once. All three tables are append-only and the database says the rules whatever the program does.
create table approval (
  id bigint generated always as identity primary key,
  action text not null,
  request jsonb not null,
  request_hash bytea not null,
  maker text not null check (maker ~ '^[a-z0-9._-]{1,64}$'),
  -- How many checkers must agree.
  needed smallint not null check (needed between 1 and 2),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  -- Crediting a card that cannot be read goes by somebody's word, so two others look at it.
  constraint approval_by_serial_needs_two check (action <> 'voucher.redeem_serial' or needed = 2)
);
create table approval_vote (
  approval bigint not null references approval (id),
  checker text not null check (checker ~ '^[a-z0-9._-]{1,64}$'),
  voted_at timestamptz not null default now(),
  primary key (approval, checker)
);
create table approval_use (
  approval bigint primary key references approval (id),
  request_hash bytea not null,
  used_at timestamptz not null default now()
);
create function approval_vote_allowed() returns trigger language plpgsql as $$
begin
  if exists (select from approval where id = new.approval and maker = new.checker) then
    raise exception 'maker and checker of approval % are one person', new.approval using errcode = 'SP002';
  end if;
  if exists (select from approval where id = new.approval and expires_at < now()) then
    raise exception 'approval % has expired', new.approval using errcode = 'SP003';
  end if;
  return new;
end $$;
create trigger approval_vote_allowed before insert on approval_vote for each row execute function approval_vote_allowed();
create function approval_use_allowed() returns trigger language plpgsql as $$
begin
  if not exists (
    select from approval
    where id = new.approval and request_hash = new.request_hash and expires_at >= now()
      and needed <= (select count(*) from approval_vote where approval = new.approval)
  ) then
    raise exception 'approval % does not cover this request', new.approval using errcode = 'SP004';
  end if;
  return new;
end $$;
create trigger approval_use_allowed before insert on approval_use for each row execute function approval_use_allowed();
create trigger append_only before update or delete on approval for each statement execute function refuse_change();
create trigger append_only before update or delete on approval_vote for each statement execute function refuse_change();
create trigger append_only before update or delete on approval_use for each statement execute function refuse_change();

grant usage on sequence party_id to sapar_app;
grant select, insert, update, delete on subject to sapar_app;
grant select, insert, update on partner, api_key to sapar_app;
grant select, insert on audit_entry, audit_seal to sapar_app;
grant select, insert on approval, approval_vote, approval_use to sapar_app;
