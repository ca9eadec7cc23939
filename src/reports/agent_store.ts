import type { Invariant } from './store.ts';

/** What must hold of agents' payments. */
export const agentInvariants: readonly Invariant[] = [
  {
    name: "agents' payments are their credits",
    guarantee:
      "each payment that an agent was told is done moved its sum from the agent's float to the number it named, then; no other did, and nothing was credited for an agent without it",
    text: `with paid as (
        select event, agent, amount_minor as amount, account_index, answered_at as at from agent_payment where result = 0
      ), credited as (
        select event, debit, amount, recorded_at as at, leg, (select number_index from subject where subscriber = credit >> 20 limit 1) as account_index, kind
        from transfer where code = 'agent_topup'
      )
      select coalesce(paid.event, credited.event) as event from paid full join credited using (event)
      where ((paid.agent << 20) | (1 << 16) | 65535, paid.amount, paid.at) is distinct from (debit, credited.amount, credited.at)
        or (credited.leg, credited.kind) is distinct from (0::smallint, 'posted')
        -- Whoever was erased has no index to compare with.
        or paid.account_index <> credited.account_index
      union all
      select event from agent_payment where result <> 0 and exists (select from transfer where transfer.event = agent_payment.event)`,
  },
  {
    name: "agents' payments have one name",
    guarantee: 'no two payments have one name of ours or one event, and each belongs to an agent of its protocol',
    text: `select prv_txn from agent_payment group by prv_txn having count(*) > 1
      union all
      select min(prv_txn) from agent_payment group by event having count(*) > 1
      union all
      select prv_txn from agent_payment left join agent on agent.partner = agent_payment.agent
      where agent.protocol is distinct from agent_payment.protocol`,
  },
  {
    name: "agents' settings were recorded",
    guarantee: 'each agent was made by somebody who is in the audit trail, and was last changed by somebody who is',
    text: `select partner.name from agent join partner on partner.id = agent.partner
      where not exists (select from audit_entry where action = 'agent.create' and subject = 'partner:' || partner.name)
        or (agent.changed_at > agent.created_at and not exists (
          select from audit_entry where subject = 'partner:' || partner.name and action in ('agent.set', 'agent.password', 'agent.password_end')))`,
  },
];
