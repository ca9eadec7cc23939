import type { Uuid } from '../../base/ids.ts';
import { type Db, pgArray, read, type Statement } from '../../db/index.ts';

/** One thing a credit brought. `is_ours` where the balance is kept here. */
export type CreditRow = { event: Uuid; amount: bigint; unit: number; is_ours: boolean };

const creditsStatement: Statement = {
  name: 'sms_credits',
  // Of an order delivered elsewhere the first leg is the face value, owed to the operator; fee and margin are nobody's news.
  text: `select found.* from unnest($1::uuid[]) as wanted (event) cross join lateral (
      select event, leg, amount, unit, credit > 0 as is_ours from transfer
      where transfer.event = wanted.event and phase = 0 and (credit > 0 or (code = 'order_delivery' and leg = 0)) order by leg limit 16
    ) as found order by found.event, found.leg`,
};

export function readCredits(db: Db, events: readonly Uuid[]): Promise<CreditRow[]> {
  return read<CreditRow>(db, creditsStatement, [pgArray(events)]);
}

const balancesStatement: Statement = {
  name: 'sms_balances',
  text: `select found.* from unnest($1::bigint[]) as wanted (id) cross join lateral (
      select id, credits_posted - debits_posted - debits_pending as balance from account where account.id = wanted.id limit 1
    ) as found`,
};

export function readBalances(db: Db, accounts: readonly bigint[]): Promise<{ id: bigint; balance: bigint }[]> {
  return read(db, balancesStatement, [pgArray(accounts)]);
}
