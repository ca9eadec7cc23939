-- Whoever pays by a link was given somebody else's number in part, and sees no more of it in the order.
alter table topup_order add column by_link boolean not null default false;
