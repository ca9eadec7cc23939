import type { Uuid } from '../base/ids.ts';
import { pgArray, pgTextArray, type Statement, type Tx } from '../db/index.ts';

export type SessionRow = {
  gateway: string;
  session: string;
  number_index: Uuid;
  state: string;
  started_at: Date;
  updated_at: Date;
};

const columns = 'found.gateway, found.session, found.number_index, found.state, found.started_at, found.updated_at';

// Each session is looked up on its own by key: a lateral with a limit cannot be turned into a scan of the table, whatever the planner
// believed of it when it was empty.
const findStatement: Statement = {
  name: 'dialogues_find',
  text: `select ${columns} from unnest($1::text[], $2::text[]) as wanted (gateway, session)
    cross join lateral (
      select * from ussd_session where ussd_session.gateway = wanted.gateway and ussd_session.session = wanted.session limit 1
    ) as found`,
};

export function find(tx: Tx, wanted: readonly Pick<SessionRow, 'gateway' | 'session'>[]): Promise<SessionRow[]> {
  return tx.rows<SessionRow>(findStatement, [
    pgTextArray(wanted.map((one) => one.gateway)),
    pgTextArray(wanted.map((one) => one.session)),
  ]);
}

const findEarlierStatement: Statement = {
  name: 'dialogues_find_earlier',
  text: `select wanted.nth::int as nth, ${columns}
    from unnest($1::text[], $2::text[], $3::uuid[]) with ordinality as wanted (gateway, session, number_index, nth)
    cross join lateral (
      select * from ussd_session
      where ussd_session.number_index = wanted.number_index and started_at > $4
        and (ussd_session.gateway, ussd_session.session) <> (wanted.gateway, wanted.session)
      order by started_at desc limit 1
    ) as found`,
};

/** For each, the latest other dialogue of its number begun after `since`; `nth` counts from 1. */
export function findEarlier(
  tx: Tx,
  wanted: readonly Pick<SessionRow, 'gateway' | 'session' | 'number_index'>[],
  since: Date,
): Promise<(SessionRow & { nth: number })[]> {
  return tx.rows(findEarlierStatement, [
    pgTextArray(wanted.map((one) => one.gateway)),
    pgTextArray(wanted.map((one) => one.session)),
    pgArray(wanted.map((one) => one.number_index)),
    since,
  ]);
}

const saveStatement: Statement = {
  name: 'dialogues_save',
  // Setting a column to the value it has keeps the update HOT; it differs only where a gateway uses a session id again.
  text: `insert into ussd_session (gateway, session, number_index, state, started_at, updated_at)
    select * from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[])
    on conflict (gateway, session) do update set
      number_index = excluded.number_index, state = excluded.state, started_at = excluded.started_at, updated_at = excluded.updated_at`,
};

/** Each session once a call: a statement cannot touch a row twice. Rows are locked in the order given. */
export function save(tx: Tx, rows: readonly SessionRow[]): void {
  tx.send(saveStatement, [
    pgTextArray(rows.map((row) => row.gateway)),
    pgTextArray(rows.map((row) => row.session)),
    pgArray(rows.map((row) => row.number_index)),
    pgTextArray(rows.map((row) => row.state)),
    pgTextArray(rows.map((row) => row.started_at.toISOString())),
    pgTextArray(rows.map((row) => row.updated_at.toISOString())),
  ]);
}

const endStatement: Statement = {
  name: 'dialogues_end',
  text: `delete from ussd_session using unnest($1::text[], $2::text[]) as ended (gateway, session)
    where ussd_session.gateway = ended.gateway and ussd_session.session = ended.session`,
};

export function end(tx: Tx, ended: readonly Pick<SessionRow, 'gateway' | 'session'>[]): void {
  tx.send(endStatement, [pgTextArray(ended.map((one) => one.gateway)), pgTextArray(ended.map((one) => one.session))]);
}

const sweepStatement: Statement = {
  name: 'dialogues_sweep',
  // Oldest first, by the index on age. A row stepped on in the meantime has moved and is left alone.
  text: `delete from ussd_session where ctid = any (array(
      select ctid from ussd_session
      where started_at at time zone 'UTC' < $1::timestamptz at time zone 'UTC' and updated_at < $1
      order by started_at at time zone 'UTC' limit $2
    )) returning 1 as swept`,
};

export async function sweep(tx: Tx, before: Date, limit: number): Promise<number> {
  return (await tx.rows(sweepStatement, [before, limit])).length;
}
