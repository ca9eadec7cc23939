-- Where the payer of an order wants to be written to. The address is the payer's own, not the topped-up number's: it lives with the order, sealed, for as long
-- as there may be news of it, and is forgotten then.
create table order_contact (
  order_id uuid primary key,
  -- Sealed under the master key, bound to the order.
  address bytea not null,
  language text not null,
  -- The news told last; empty before the first.
  told text not null default '',
  -- When a worker must look whether there is news; after the last news, when the address is forgotten.
  next_at timestamptz not null,
  -- How often the same news could not be handed over.
  tries smallint not null default 0,
  -- How often the address was changed: nobody's post boxes are tried out here.
  changes smallint not null default 0,
  created_at timestamptz not null
) with (fillfactor = 60);
create index order_contact_due on order_contact (next_at);

grant select, insert, update, delete on order_contact to sapar_app;
