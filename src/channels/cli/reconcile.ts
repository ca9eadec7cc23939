import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { referenceOf } from '../../base/ids.ts';
import {
  type Asked,
  type Bound,
  type DateOrder,
  type Detail,
  type Difference,
  differenceKinds,
  type Imported,
  minorText,
  parseZone,
  type ReportFile,
  type Side,
  type Source,
  parseSource as sourceOf,
  sources,
  statusOf,
} from '../../reconciliation/index.ts';
import { type Answer, act, argument, ask, type Call, UsageError } from './command.ts';
import { parseInstant, parseLastDay, parseNumber } from './input.ts';
import { facts, grouped, moment, progressBar, table } from './output.ts';
import type { Cli } from './program.ts';

const sourceNames = [...sources, 'agent:NAME'].join(', ');

/** What providers, operators and agents report, beside our books. */
export function addReconcile(reconcile: Command, cli: Cli): void {
  addImport(reconcile, cli);
  addList(reconcile, cli);
  addShow(reconcile, cli);
  addResolve(reconcile, cli);
  const files = reconcile
    .command('files')
    .description('the newest reports that were imported, and the time each covers')
    .option('--source <source>', sourceNames, argument(parseSource));
  ask<{ source?: Source }>(files, cli, async ({ app, options }) => {
    const found = await app.reconciliation.files(options.source);
    return { text: table(fileHead, found.map(fileRow)), data: found };
  });
}

type ImportOptions = {
  from?: Bound;
  to?: Bound;
  partial?: boolean;
  layout?: string;
  zone?: number;
  dates?: DateOrder;
};

function addImport(reconcile: Command, cli: Cli): void {
  const command = reconcile
    .command('import')
    .description('read a report, keep its lines and compare them with our books; the same file again changes nothing')
    .argument('<source>', sourceNames, argument(parseSource))
    .argument('<file>', 'the file as the other side gave it')
    .option(
      '--from <day>',
      'the time it was asked for: first day by the clock of the file, or instant',
      argument(parseBound),
    )
    .option('--to <day>', 'last day, or instant', argument(parseBound))
    .option('--partial', 'something was left out of it on purpose, so nothing is missing in it')
    .option('--layout <id|file.json>', 'how it is written, where the file does not show it', String)
    .option('--zone <offset>', 'clock of the file where it does not say, +05:00', argument(parseOffset))
    .option('--dates <order>', 'dmy or mdy, where 03/04/2026 may be either', argument(parseOrder));
  act<ImportOptions>(command, cli, importReport);
}

async function importReport({ app, io, args, options, actor }: Call<ImportOptions>): Promise<Answer> {
  const [source, file] = args as [Source, string];
  const { from, to, zone, dates } = options;
  if ((from === undefined) !== (to === undefined)) throw new UsageError('Give --from and --to, or neither.');
  if (from && to && 'day' in from && 'day' in to && from.day > to.day) throw new UsageError('--from is before --to.');
  const path = resolve(file);
  const name = basename(path);
  const bar = progressBar(io, name);
  try {
    const imported = await app.reconciliation.import({
      source,
      path,
      name,
      actor,
      layout: await layoutOf(options.layout),
      isPartial: options.partial === true,
      known: { period: from && to && { from, to }, zoneMinutes: zone, order: dates },
      onProgress: bar.show,
    });
    bar.end();
    return { text: importedText(imported), data: imported };
  } finally {
    bar.end();
  }
}

/** The id of one we know, or a file that describes one. */
async function layoutOf(text: string | undefined): Promise<Asked | undefined> {
  if (text === undefined) return undefined;
  return text.endsWith('.json') ? { described: JSON.parse(await readFile(text, 'utf8')) } : { id: text };
}

type ListOptions = { source?: Source; open?: boolean };

function addList(reconcile: Command, cli: Cli): void {
  const command = reconcile
    .command('list')
    .description('where reports and books differ, open ones first; ends with 1 while any is open')
    .option('--source <source>', sourceNames, argument(parseSource))
    .option('--open', 'only what is open');
  ask<ListOptions>(command, cli, async ({ app, options }) => {
    const { source, open: isOpenOnly = false } = options;
    const { differences, open } = await app.reconciliation.list({ isOpenOnly, ...(source && { source }) });
    const more = open > differences.length ? `\n\n${grouped(open)} are open; these are the newest.` : '';
    const answer = { text: `${table(head, differences.map(row))}${more}`, data: { open, differences } };
    return open === 0 ? answer : { ...answer, isBad: true };
  });
}

function addShow(reconcile: Command, cli: Cli): void {
  const command = reconcile
    .command('show')
    .description('one difference: what they say, what we say, and where it was seen')
    .argument('<difference>', 'its number', argument(parseNumber));
  ask(command, cli, async ({ app, args }) => {
    const found = await app.reconciliation.find(args[0] as bigint);
    return { text: detailFacts(found), data: found };
  });
}

function addResolve(reconcile: Command, cli: Cli): void {
  const command = reconcile
    .command('resolve')
    .description('record what came of a difference; it moves no money')
    .argument('<difference>', 'its number', argument(parseNumber))
    .requiredOption('--note <text>', 'what was found out and done; no numbers of people');
  act<{ note: string }>(command, cli, async ({ app, args, options, actor }) => {
    const difference = await app.reconciliation.resolve({ id: args[0] as bigint, note: options.note, actor });
    return { text: detailFacts({ difference, line: undefined }), data: difference };
  });
}

function parseSource(text: string): Source {
  const source = sourceOf(text);
  if (source === undefined) throw new Error(`It is one of ${sourceNames}.`);
  return source;
}

function parseBound(text: string): Bound {
  if (text.includes('T')) return { at: parseInstant(text) };
  // Refuses what is no day. By whose clock it is one, the file says.
  parseLastDay(text);
  return { day: text };
}

function parseOffset(text: string): number {
  const minutes = parseZone(text);
  if (minutes === undefined) throw new Error("It is a clock, like '+05:00' or 'UTC'.");
  return minutes;
}

function parseOrder(text: string): DateOrder {
  if (text !== 'dmy' && text !== 'mdy') throw new Error("It is 'dmy' or 'mdy'.");
  return text;
}

const money = ({ currency, minor }: { currency: string; minor: bigint }): string =>
  `${minorText(minor, currency)} ${currency}`;

const fileHead = ['report', 'layout', 'file', 'lines', 'from', 'to', 'complete', 'imported', 'by'];

function fileRow(file: ReportFile): string[] {
  return [
    String(file.id),
    file.layout,
    file.name,
    grouped(file.rows),
    moment(file.period.from),
    moment(file.period.to),
    file.isComplete ? 'yes' : 'no',
    moment(file.importedAt),
    file.importedBy,
  ];
}

function importedText({ isNew, file, kinds, differences }: Imported): string {
  const counts = Object.entries(kinds).map(([kind, count]): [string, string] => [`  ${kind}`, grouped(count)]);
  const note = isNew
    ? 'Imported.'
    : `Imported before, ${moment(file.importedAt)}, by ${file.importedBy}; nothing changed.`;
  const summary = facts([
    ['report', String(file.id)],
    ['layout', file.layout],
    ['covers', `${moment(file.period.from)} to ${moment(file.period.to)}`],
    ['complete', file.isComplete ? 'yes' : 'no: nothing is missing in it'],
    ['lines', grouped(file.rows)],
    ...counts,
    ['new differences', grouped(differences.appeared)],
    ['differences gone', grouped(differences.went)],
    ['open', grouped(differences.open)],
  ]);
  return `${note}\n${summary}`;
}

const head = ['difference', 'source', 'state', 'what', 'kind', 'at stake', 'order', 'they say', 'we say', 'since'];

function row(difference: Difference): string[] {
  return [
    String(difference.id),
    difference.source,
    statusOf(difference),
    difference.what,
    difference.kind,
    money(difference.stake),
    difference.orderId === undefined ? '' : referenceOf(difference.orderId),
    sideText(difference.theirs),
    sideText(difference.ours),
    moment(difference.firstSeen),
  ];
}

function sideText(side: Side | undefined): string {
  return side === undefined ? '-' : `${side.state} ${money(side.money)}`;
}

function detailFacts({ difference, line }: Detail): string {
  const { seenIn, theirs, ours, resolved, orderId, itemNo } = difference;
  return facts([
    ['difference', String(difference.id)],
    ['state', statusOf(difference)],
    ['source', difference.source],
    ['what', `${difference.what}: ${differenceKinds[difference.kind]}`],
    ['at stake', money(difference.stake)],
    ['they say', theirs && `${sideText(theirs)}${theirs.at ? `, ${moment(theirs.at)}` : ''}`],
    ['we say', ours && `${sideText(ours)}${ours.at ? `, ${moment(ours.at)}` : ''}`],
    ['order', orderId && `${referenceOf(orderId)}  ${orderId}${itemNo === undefined ? '' : `/${itemNo}`}`],
    ['their name for it', difference.externalId ?? difference.entry],
    ['their entry', difference.externalId === undefined ? undefined : difference.entry],
    ['our reference there', line?.reference],
    ...Object.entries(line?.extra ?? {}).map(([name, text]): [string, string] => [`  ${name}`, text]),
    ['seen in', seenIn && `report ${seenIn.file}, ${seenIn.name}, line ${seenIn.line}`],
    ['first seen', moment(difference.firstSeen)],
    ['gone since', difference.goneAt && moment(difference.goneAt)],
    ['resolved', resolved && `${moment(resolved.at)} by ${resolved.by}`],
    ['note', resolved?.note],
    ['next', nextStep(difference)],
  ]);
}

/** What usually helps. Nothing of it happens by itself. */
function nextStep(difference: Difference): string | undefined {
  if (statusOf(difference) !== 'open') return undefined;
  const { kind, what, ours } = difference;
  if (what === 'credit' && kind === 'state' && (ours?.state === 'unknown' || ours?.state === 'sending'))
    return 'ask the operator again about this order';
  if (what === 'payment' && kind === 'state') return 'ask the provider again about this payment';
  return undefined;
}
