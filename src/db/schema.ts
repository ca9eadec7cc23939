import { type Db, type Row, read, type Statement } from './connection.ts';

// The dump that reviewers read: everything the migrations add up to, from the catalog, in a stable order. Own code, because the client
// tools a machine happens to have may refuse a newer server.

const own = `n.nspname = 'public' and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')`;

const statement = (name: string, text: string): Statement => ({ name: `schema_${name}`, text });

const columns = statement(
  'columns',
  `select c.relname as table, c.relpersistence = 'u' as unlogged, array_to_string(c.reloptions, ', ') as options, obj_description(c.oid) as comment,
      a.attname as column, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required, a.attidentity <> '' as identity,
      pg_get_expr(d.adbin, d.adrelid) as fallback
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${own} and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and c.relname <> 'schema_migration' order by c.relname, a.attnum`,
);
const constraints = statement(
  'constraints',
  `select c.relname as table, k.conname as name, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where ${own} and k.contype <> 'n' order by c.relname, array_position(array['p', 'u', 'c', 'f']::"char"[], k.contype), k.conname`,
);
const indexes = statement(
  'indexes',
  `select t.relname as table, pg_get_indexdef(i.indexrelid) as definition
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
    where ${own} and not exists (select from pg_constraint k where k.conindid = i.indexrelid) order by t.relname, c.relname`,
);
const triggers = statement(
  'triggers',
  `select c.relname as table, pg_get_triggerdef(t.oid) as definition
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where ${own} and not t.tgisinternal order by c.relname, t.tgname`,
);
const functions = statement(
  'functions',
  `select pg_get_functiondef(c.oid) as definition from pg_proc c join pg_namespace n on n.oid = c.pronamespace where ${own} order by c.proname`,
);
const sequences = statement(
  'sequences',
  `select c.relname as name, s.seqmin as low, s.seqmax as high, format_type(s.seqtypid, null) as type
    from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
    where ${own} and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')) order by c.relname`,
);
const grants = statement(
  'grants',
  `select table_name as table, string_agg(lower(privilege_type), ', ' order by privilege_type) as rights
    from information_schema.role_table_grants where grantee = 'sapar_app' and table_schema = 'public' group by table_name order by table_name`,
);

/** The whole schema as SQL text, the same for the same migrations. */
export async function dumpSchema(db: Db): Promise<string> {
  const [tableRows, constraintRows, indexRows, triggerRows, functionRows, sequenceRows, grantRows] = await Promise.all(
    [columns, constraints, indexes, triggers, functions, sequences, grants].map((one) => read(db, one)),
  );
  const of = (rows: readonly Row[] | undefined, table: unknown): string[] =>
    (rows ?? []).filter((row) => row.table === table).map((row) => String(row.definition));
  const tables = [...new Set((tableRows ?? []).map((row) => row.table))].map((table) => {
    const rows = (tableRows ?? []).filter((row) => row.table === table);
    const keys = (constraintRows ?? [])
      .filter((row) => row.table === table)
      .map((row) => `  constraint ${row.name} ${row.definition}`);
    return [
      `create ${rows[0]?.unlogged === true ? 'unlogged ' : ''}table ${table} (`,
      [...rows.map(columnText), ...keys].join(',\n'),
      `)${rows[0]?.options ? ` with (${rows[0].options})` : ''};`,
      ...of(indexRows, table).map((definition) => `${definition};`),
      ...of(triggerRows, table).map((definition) => `${definition};`),
      ...(grantRows ?? [])
        .filter((row) => row.table === table)
        .map((row) => `grant ${row.rights} on ${table} to sapar_app;`),
      ...(rows[0]?.comment ? [`comment on table ${table} is '${String(rows[0].comment).replaceAll("'", "''")}';`] : []),
    ].join('\n');
  });
  const parts = [
    '-- Generated from the migrations by "npm run -s sapar -- schema"; never edited. The migrations say why.',
    ...(sequenceRows ?? []).map(
      (row) => `create sequence ${row.name} as ${row.type} minvalue ${row.low} maxvalue ${row.high};`,
    ),
    ...(functionRows ?? []).map((row) => `${String(row.definition).trim()};`),
    ...tables,
  ];
  return `${parts.join('\n\n')}\n`;
}

function columnText(row: Row): string {
  const fallback =
    row.identity === true ? ' generated always as identity' : row.fallback === null ? '' : ` default ${row.fallback}`;
  return `  ${row.column} ${row.type}${row.required === true ? ' not null' : ''}${fallback}`;
}
