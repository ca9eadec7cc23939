import { type Db, pgArray, pgTextArray, read, type Statement, type Tx } from '../db/index.ts';

export type StateRow = {
  gateway: string;
  process: string;
  protocol: string;
  operator: string;
  state: string;
  since: Date;
  last_error: string | null;
  dialogues: number;
  waiting: number;
  in_minute: number;
  out_minute: number;
  updated_at: Date;
};

export type WishRow = { gateway: string; wish: 'run' | 'drain'; reason: string; actor: string; wished_at: Date };

const stateColumns =
  'gateway, process, protocol, operator, state, since, last_error, dialogues, waiting, in_minute, out_minute, updated_at';
const wishColumns = 'gateway, wish, reason, actor, wished_at';

const saveStatement: Statement = {
  name: 'gateways_save',
  text: `insert into gateway_state (${stateColumns})
    select gateway, $2, protocol, operator, state, since, nullif(last_error, ''), dialogues, waiting, in_minute, out_minute, $12
    from unnest($1::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::integer[], $9::integer[], $10::integer[], $11::integer[])
      as said (gateway, protocol, operator, state, since, last_error, dialogues, waiting, in_minute, out_minute)
    on conflict (gateway, process) do update set state = excluded.state, since = excluded.since, last_error = excluded.last_error,
      dialogues = excluded.dialogues, waiting = excluded.waiting, in_minute = excluded.in_minute, out_minute = excluded.out_minute, updated_at = excluded.updated_at`,
};

export type Said = Omit<StateRow, 'process' | 'updated_at'>;

export function save(tx: Tx, said: readonly Said[], { process, at }: { process: string; at: Date }): void {
  tx.send(saveStatement, [
    pgTextArray(said.map((one) => one.gateway)),
    process,
    pgTextArray(said.map((one) => one.protocol)),
    pgTextArray(said.map((one) => one.operator)),
    pgTextArray(said.map((one) => one.state)),
    pgTextArray(said.map((one) => one.since.toISOString())),
    pgTextArray(said.map((one) => one.last_error ?? '')),
    pgArray(said.map((one) => one.dialogues)),
    pgArray(said.map((one) => one.waiting)),
    pgArray(said.map((one) => one.in_minute)),
    pgArray(said.map((one) => one.out_minute)),
    at,
  ]);
}

const forgetStatement: Statement = {
  name: 'gateways_forget',
  text: 'delete from gateway_state where process = $1 or updated_at < $2',
};

/** What this process has said, and what nobody has confirmed since. */
export function forget(tx: Tx, process: string, before: Date): void {
  tx.send(forgetStatement, [process, before]);
}

const statesStatement: Statement = {
  name: 'gateways_states',
  text: `select ${stateColumns} from gateway_state order by gateway, process`,
};

export function states(db: Db): Promise<StateRow[]> {
  return read<StateRow>(db, statesStatement, []);
}

const wishesStatement: Statement = { name: 'gateways_wishes', text: `select ${wishColumns} from gateway_wish` };

export function wishes(db: Db): Promise<WishRow[]> {
  return read<WishRow>(db, wishesStatement, []);
}

const wishStatement: Statement = {
  name: 'gateways_wish',
  text: `insert into gateway_wish (${wishColumns}) values ($1, $2, $3, $4, $5)
    on conflict (gateway) do update set wish = excluded.wish, reason = excluded.reason, actor = excluded.actor, wished_at = excluded.wished_at`,
};

export function wish(tx: Tx, row: WishRow): void {
  tx.send(wishStatement, [row.gateway, row.wish, row.reason, row.actor, row.wished_at]);
}
