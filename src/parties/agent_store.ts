import { type Db, pgTextArray, type Row, read, type Statement, type Tx } from '../db/index.ts';
import type { PartyId } from '../ledger/index.ts';
import type { AgentSettings } from './agent.ts';

export type AgentRow = {
  id: PartyId;
  name: string;
  status: string;
  protocol: string;
  echo_tag: string;
  answer: string;
  account_forms: string[];
  sum_minor_min: bigint;
  sum_minor_max: bigint;
  check_sum: boolean;
  zone_minutes: number;
  language: string;
  networks: string[];
  basic_user: string | null;
  password_hashes: Buffer[];
  certificate_header: string | null;
  certificates: string[];
  bin: string | null;
  fields: string[];
  register: unknown;
  changed_at: Date;
};

const columns = `partner.id, partner.name, partner.status, protocol, echo_tag, answer, account_forms, sum_minor_min, sum_minor_max, check_sum, zone_minutes,
  language, networks, basic_user, password_hashes, certificate_header, certificates, bin, fields, register, changed_at`;
const source = 'agent join partner on partner.id = agent.partner';

const byNameStatement: Statement = {
  name: 'parties_agents_by_name',
  text: `select ${columns} from ${source} where partner.name = any($1::text[])`,
};
const allStatement: Statement = {
  name: 'parties_agents',
  text: `select ${columns} from ${source} order by partner.name`,
};
const lockedStatement: Statement = {
  name: 'parties_agent_locked',
  // Settings are read, changed and written: two who change them at once do it one after the other.
  text: `select ${columns} from ${source} where partner.name = $1 for no key update of agent`,
};

export function readAgents(db: Db, names: readonly string[]): Promise<AgentRow[]> {
  return read<AgentRow>(db, byNameStatement, [pgTextArray(names)]);
}

export function readAllAgents(db: Db): Promise<AgentRow[]> {
  return read<AgentRow>(db, allStatement);
}

export async function lockAgent(tx: Tx, name: string): Promise<AgentRow | undefined> {
  const [row] = await tx.rows<AgentRow>(lockedStatement, [name]);
  return row;
}

const insertStatement: Statement = {
  name: 'parties_insert_agent',
  text: `insert into agent (partner, protocol, created_at, changed_at, echo_tag, answer, account_forms, sum_minor_min, sum_minor_max, check_sum, zone_minutes, language,
      networks, basic_user, password_hashes, certificate_header, certificates, bin, fields, register)
    values ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
    on conflict (partner) do nothing returning partner`,
};

const updateStatement: Statement = {
  name: 'parties_update_agent',
  text: `update agent set changed_at = $2, echo_tag = $3, answer = $4, account_forms = $5, sum_minor_min = $6, sum_minor_max = $7, check_sum = $8,
      zone_minutes = $9, language = $10, networks = $11, basic_user = $12, password_hashes = $13, certificate_header = $14, certificates = $15, bin = $16,
      fields = $17, register = $18
    where partner = $1`,
};

export type AgentWrite = {
  readonly id: PartyId;
  readonly at: Date;
  readonly settings: AgentSettings;
  readonly passwordHashes: readonly Buffer[];
};

function settingsColumns({ settings, passwordHashes }: AgentWrite): unknown[] {
  return [
    settings.echoTag,
    settings.answer,
    pgTextArray(settings.accountForms),
    settings.sumMinorMin,
    settings.sumMinorMax,
    settings.checkSum,
    settings.zoneMinutes,
    settings.language,
    pgTextArray(settings.networks),
    settings.user ?? null,
    passwordHashes,
    settings.certificateHeader ?? null,
    pgTextArray(settings.certificates),
    settings.bin ?? null,
    pgTextArray(settings.fields.map(({ shows, label }) => `${shows}=${label}`)),
    settings.register === undefined ? null : JSON.stringify(settings.register),
  ];
}

/** No row where this partner is an agent already. */
export function insertAgent(tx: Tx, protocol: string, agent: AgentWrite): Promise<Row[]> {
  return tx.rows(insertStatement, [agent.id, protocol, agent.at, ...settingsColumns(agent)]);
}

export function updateAgent(tx: Tx, agent: AgentWrite): void {
  tx.send(updateStatement, [agent.id, agent.at, ...settingsColumns(agent)]);
}

const floatsStatement: Statement = {
  name: 'parties_agent_floats',
  // The float's account id, see src/ledger/account.ts. A lateral with a limit stays a look-up by key, whatever the table was when it was planned.
  text: `select wanted.id, found.available from unnest($1::bigint[]) as wanted (id) cross join lateral (
      select credits_posted - debits_posted - debits_pending as available from account where account.id = ((wanted.id << 20) | (1 << 16) | 65535) limit 1
    ) as found`,
};

/** What agents have left to pay from, to turn money away before it is taken; the batch that credits decides by itself. */
export async function readFloats(db: Db, ids: readonly PartyId[]): Promise<Map<PartyId, bigint>> {
  const rows = await read<{ id: PartyId; available: bigint }>(db, floatsStatement, [`{${ids.join(',')}}`]);
  return new Map(rows.map((row) => [row.id, row.available]));
}
