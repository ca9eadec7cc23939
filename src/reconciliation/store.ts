import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { type Db, pgArray, pgTextArray, read, type Statement, type Tx } from '../db/index.ts';
import type { Difference, DifferenceKind, ReportFile, Side, What } from './difference.ts';
import type { Line, Source } from './report.ts';

const lockStatement: Statement = {
  name: 'recon_lock',
  text: `select pg_advisory_xact_lock(hashtext('sapar reconciliation'))`,
};

/** One at a time: what is compared is what has been imported, and the same file is not imported twice. */
export async function lock(tx: Tx): Promise<void> {
  await tx.rows(lockStatement);
}

const fileColumns = `id, source, layout, encode(sha256, 'hex') as sha256, name, bytes, rows, lower(period) as period_from,
  upper(period) as period_to, is_complete, imported_at, imported_by`;

type FileRow = {
  id: bigint;
  source: Source;
  layout: string;
  sha256: string;
  name: string;
  bytes: bigint;
  rows: number;
  period_from: Date;
  period_to: Date;
  is_complete: boolean;
  imported_at: Date;
  imported_by: string;
};

function fileOf(row: FileRow): ReportFile {
  return {
    id: row.id,
    source: row.source,
    layout: row.layout,
    sha256: row.sha256,
    name: row.name,
    bytes: Number(row.bytes),
    rows: row.rows,
    period: { from: row.period_from, to: row.period_to },
    isComplete: row.is_complete,
    importedAt: row.imported_at,
    importedBy: row.imported_by,
  };
}

const findFileStatement: Statement = {
  name: 'recon_find_file',
  text: `select ${fileColumns} from recon_file where sha256 = $1`,
};

export async function findFile(tx: Tx, sha256: Buffer): Promise<ReportFile | undefined> {
  const [row] = await tx.rows<FileRow>(findFileStatement, [sha256]);
  return row && fileOf(row);
}

const insertFileStatement: Statement = {
  name: 'recon_insert_file',
  text: `insert into recon_file (source, layout, sha256, name, bytes, rows, period, is_complete, imported_at, imported_by)
    values ($1, $2, $3, $4, $5, $6, tstzrange($7, $8), $9, $10, $11) returning ${fileColumns}`,
};

export type NewFile = Omit<ReportFile, 'id' | 'sha256'> & { readonly sha256: Buffer };

export async function insertFile(tx: Tx, file: NewFile): Promise<ReportFile | undefined> {
  const { from, to } = file.period;
  const row = [file.source, file.layout, file.sha256, file.name, file.bytes, file.rows, from, to, file.isComplete];
  const [inserted] = await tx.rows<FileRow>(insertFileStatement, [...row, file.importedAt, file.importedBy]);
  return inserted && fileOf(inserted);
}

const listFilesStatement: Statement = {
  name: 'recon_list_files',
  text: `select ${fileColumns} from recon_file where $1::text is null or source = $1 order by id desc limit $2`,
};

/** The newest files. */
export async function listFiles(db: Db, source: Source | undefined): Promise<ReportFile[]> {
  const rows = await read<FileRow>(db, listFilesStatement, [source ?? null, limits.pageRowsMax]);
  return rows.map(fileOf);
}

const agentSourcesStatement: Statement = {
  name: 'recon_agent_sources',
  text: `select distinct source from recon_file where source like 'agent:%' order by source`,
};

/** The agents whose registers have been imported. */
export async function agentSources(db: Db): Promise<Source[]> {
  return (await read<{ source: Source }>(db, agentSourcesStatement)).map(({ source }) => source);
}

const insertLinesStatement: Statement = {
  name: 'recon_insert_lines',
  // Names hold no spaces, so a list of them is one text.
  text: `insert into recon_line (file, line, source, entry, kind, state, external_id, names, reference, currency, gross_minor, fee_minor, net_minor,
      amount_currency, amount_minor, number_index, at, extra)
    select $1, line, $2, entry, kind, state, external_id, string_to_array(names, ' '), reference, currency, gross_minor, fee_minor, net_minor,
      amount_currency, amount_minor, number_index, at, extra::jsonb
    from unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[],
      $13::bigint[], $14::text[], $15::bigint[], $16::uuid[], $17::timestamptz[], $18::text[])
      as row (line, entry, kind, state, external_id, names, reference, currency, gross_minor, fee_minor, net_minor, amount_currency, amount_minor,
        number_index, at, extra)`,
};

/** Awaited, so that only one chunk is on its way. */
export async function insertLines(tx: Tx, file: { id: bigint; source: Source }, lines: readonly Line[]): Promise<void> {
  const texts = (of: (line: Line) => string | undefined): string => pgTextArray(lines.map((line) => of(line) ?? null));
  const numbers = (of: (line: Line) => bigint | number): string => pgArray(lines.map(of));
  await tx.rows(insertLinesStatement, [
    file.id,
    file.source,
    numbers(({ line }) => line),
    texts(({ entry }) => entry),
    texts(({ kind }) => kind),
    texts(({ state }) => state),
    texts(({ externalId }) => externalId),
    texts(({ names }) => names.join(' ')),
    texts(({ reference }) => reference),
    texts(({ currency }) => currency),
    numbers(({ grossMinor }) => grossMinor),
    numbers(({ feeMinor }) => feeMinor),
    numbers(({ netMinor }) => netMinor),
    texts(({ amount }) => amount.currency),
    numbers(({ amount }) => amount.minor),
    pgArray(lines.map(({ numberIndex }) => numberIndex ?? null)),
    texts(({ at }) => at.toISOString()),
    texts(({ extra }) => JSON.stringify(extra)),
  ]);
}

const differenceColumns = `recon_difference.id, recon_difference.source, recon_difference.kind, what, recon_difference.entry, external_id, order_id, item_no,
  file, name as file_name, line, their_state, their_currency, their_minor, their_at, our_state, our_currency, our_minor, our_at, stake_currency,
  stake_minor, first_seen, gone_at, resolved_at, resolved_by, note`;
const differences = 'recon_difference left join recon_file on recon_file.id = recon_difference.file';

type DifferenceRow = {
  id: bigint;
  source: Source;
  kind: DifferenceKind;
  what: What;
  entry: string | null;
  external_id: string | null;
  order_id: Uuid | null;
  item_no: number | null;
  file: bigint | null;
  file_name: string | null;
  line: number | null;
  their_state: string | null;
  their_currency: string | null;
  their_minor: bigint | null;
  their_at: Date | null;
  our_state: string | null;
  our_currency: string | null;
  our_minor: bigint | null;
  our_at: Date | null;
  stake_currency: string;
  stake_minor: bigint;
  first_seen: Date;
  gone_at: Date | null;
  resolved_at: Date | null;
  resolved_by: string | null;
  note: string | null;
};

function differenceOf(row: DifferenceRow): Difference {
  const { resolved_at, resolved_by, note } = row;
  return {
    id: row.id,
    source: row.source,
    kind: row.kind,
    what: row.what,
    entry: row.entry ?? undefined,
    externalId: row.external_id ?? undefined,
    orderId: row.order_id ?? undefined,
    itemNo: row.item_no ?? undefined,
    seenIn: row.file === null ? undefined : { file: row.file, name: row.file_name ?? '', line: row.line ?? 0 },
    theirs: sideOf(row.their_state, { currency: row.their_currency, minor: row.their_minor }, row.their_at),
    ours: sideOf(row.our_state, { currency: row.our_currency, minor: row.our_minor }, row.our_at),
    stake: { currency: row.stake_currency, minor: row.stake_minor },
    firstSeen: row.first_seen,
    goneAt: row.gone_at ?? undefined,
    resolved:
      resolved_at && resolved_by !== null && note !== null ? { at: resolved_at, by: resolved_by, note } : undefined,
  };
}

type Stored = { currency: string | null; minor: bigint | null };

function sideOf(state: string | null, { currency, minor }: Stored, at: Date | null): Side | undefined {
  if (state === null || currency === null || minor === null) return undefined;
  return { state, money: { currency, minor }, at: at ?? undefined };
}

const listStatement: Statement = {
  name: 'recon_list_differences',
  text: `select ${differenceColumns} from ${differences}
    where ($1::text is null or recon_difference.source = $1) and (not $2 or (gone_at is null and resolved_at is null))
    order by (gone_at is null and resolved_at is null) desc, recon_difference.id desc limit $3`,
};
const countOpenStatement: Statement = {
  name: 'recon_count_open',
  text: `select count(*) as count from recon_difference where ($1::text is null or source = $1) and gone_at is null and resolved_at is null`,
};

/** The open ones first, and of each sort the newest. */
export async function listDifferences(
  db: Db,
  which: { source: Source | undefined; isOpenOnly: boolean },
): Promise<Difference[]> {
  const values = [which.source ?? null, which.isOpenOnly, limits.differencesListedMax];
  return (await read<DifferenceRow>(db, listStatement, values)).map(differenceOf);
}

export async function countOpen(tx: Tx, source: Source | undefined): Promise<number> {
  const [row] = await tx.rows<{ count: bigint }>(countOpenStatement, [source ?? null]);
  return Number(row?.count ?? 0n);
}

const findStatement: Statement = {
  name: 'recon_find_difference',
  text: `select ${differenceColumns} from ${differences} where recon_difference.id = $1`,
};

export async function findDifference(db: Db, id: bigint): Promise<Difference | undefined> {
  const [row] = await read<DifferenceRow>(db, findStatement, [id]);
  return row && differenceOf(row);
}

const resolveStatement: Statement = {
  name: 'recon_resolve',
  text: 'update recon_difference set resolved_at = $2, resolved_by = $3, note = $4 where id = $1 and resolved_at is null returning id',
};

/** False when somebody has resolved it before, or there is none. */
export async function resolveDifference(
  tx: Tx,
  resolution: { id: bigint; at: Date; by: string; note: string },
): Promise<boolean> {
  const { id, at, by, note } = resolution;
  return (await tx.rows(resolveStatement, [id, at, by, note])).length > 0;
}

const extraStatement: Statement = {
  name: 'recon_line_extra',
  text: 'select reference, extra, gross_minor, fee_minor, net_minor, currency from recon_line where file = $1 and line = $2',
};

/** The line itself, with the other side's words. */
export async function findLine(
  db: Db,
  place: { file: bigint; line: number },
): Promise<{ reference: string | undefined; extra: Record<string, string> } | undefined> {
  const [row] = await read<{ reference: string | null; extra: Record<string, string> }>(db, extraStatement, [
    place.file,
    place.line,
  ]);
  return row && { reference: row.reference ?? undefined, extra: row.extra };
}
