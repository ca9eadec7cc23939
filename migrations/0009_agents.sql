-- Agents: payment networks, of kiosks or in a bank's app, that have taken a payer's money and pass it on by check/pay. An agent is a
-- partner with a float, and with the settings of the protocol it speaks.
create table agent (
  partner bigint primary key references partner (id),
  protocol text not null check (protocol in ('osmp', 'kaspi')),
  -- What OSMP's answers call the transaction: networks differ.
  echo_tag text not null check (echo_tag in ('osmp_txn_id', 'txn_id')),
  -- Kaspi's answers.
  answer text not null check (answer in ('xml', 'json')),
  -- How it writes a number: ten digits, or eleven that begin with 7, 8 or +7.
  account_forms text[] not null check (cardinality(account_forms) > 0 and account_forms <@ array['national', 'seven', 'eight', 'plus']),
  sum_minor_min bigint not null,
  sum_minor_max bigint not null,
  -- Whether the sum of a check is the one that will be paid; some send a dummy.
  check_sum boolean not null,
  -- Its clock, by which it dates its payments, in minutes east of Greenwich.
  zone_minutes smallint not null check (zone_minutes between -720 and 840),
  language text not null,
  -- Addresses it calls from, as CIDR; none: any.
  networks text[] not null,
  -- HTTP Basic. Passwords are made here, 256 bits each, and kept as SHA-256; two while one follows the other, the newest first.
  basic_user text,
  password_hashes bytea[] not null check (cardinality(password_hashes) <= 2),
  -- A client certificate as the proxy in front has seen it: the header that names it, and fingerprints that are let in.
  certificate_header text,
  certificates text[] not null,
  -- What Kaspi's answers name us by: a business number of twelve digits.
  bin text check (bin ~ '^[0-9]{12}$'),
  -- What a check shows the payer: 'number=Абонент'.
  fields text[] not null,
  -- How its register is laid out, where it is not the usual one.
  register jsonb,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  constraint agent_sums check (0 < sum_minor_min and sum_minor_min <= sum_minor_max),
  constraint agent_password_has_user check (cardinality(password_hashes) = 0 or basic_user is not null),
  constraint agent_certificate_has_header check ((cardinality(certificates) = 0) = (certificate_header is null)),
  -- The protocols sign nothing: without one of these anybody could pay from its float.
  constraint agent_is_told_apart check (cardinality(networks) > 0 or cardinality(password_hashes) > 0 or cardinality(certificates) > 0)
);

-- What an agent was told for good about one payment, written in the transaction that credits it. A repeat is answered from here, a no as well
-- as a yes. No column names the account: its blind index tells whether a repeat is about the same one.
create table agent_payment (
  agent bigint not null,
  -- The agent's own name for it: digits, too many for a bigint.
  txn_id text not null check (txn_id ~ '^[0-9]{1,20}$'),
  protocol text not null,
  -- Our name for it, which the agent keeps.
  prv_txn bigint not null generated always as identity,
  -- Of the transfer, where it was credited.
  event uuid not null,
  account_index uuid not null,
  -- Null where it could not be read.
  amount_minor bigint check (amount_minor >= 0),
  -- The day it is settled under, by the agent's clock.
  txn_date timestamptz not null,
  -- In the protocol's own table; 0 is credited in each.
  result smallint not null,
  -- Our refusal.
  reason text,
  answered_at timestamptz not null,
  primary key (agent, txn_id),
  constraint agent_payment_end check ((result = 0) = (reason is null)),
  constraint agent_payment_credited check (result <> 0 or amount_minor > 0)
);
-- A day of one agent, to compare with its register.
create index agent_payment_by_date on agent_payment (agent, txn_date);
create trigger append_only before update or delete on agent_payment for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on agent_payment for each statement execute function refuse_change();

-- An agent's register is a report like any other.
alter table recon_file drop constraint recon_file_source_check;
alter table recon_file add constraint recon_file_source_check
  check (source in ('stripe', 'paypal', 'osmp', 'dtone', 'reloadly') or source ~ '^agent:[a-z0-9][a-z0-9-]{1,62}$');

grant select, insert, update on agent to sapar_app;
grant select, insert on agent_payment to sapar_app;
