import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Refusal } from '../../base/refusal.ts';
import { type Batch, type BatchReport, type Value, valueText } from '../../vouchers/index.ts';
import { type Answer, act, argument, arguments_, ask, type Call } from './command.ts';
import { parseCount, parseLastDay, parseNumber, parseValue } from './input.ts';
import { facts, grouped, moment, progressBar, table } from './output.ts';
import type { Cli } from './program.ts';
import { batchFacts, showVote } from './render.ts';

/** The life of a batch: draft, approval, print file, out to the shops; and what has become of its cards. */
export function addBatches(vouchers: Command, cli: Cli): void {
  addCreate(vouchers, cli);
  addApprove(vouchers, cli);
  addGenerate(vouchers, cli);
  addReport(vouchers, cli);
  addVerify(vouchers, cli);
  addManifestKey(vouchers, cli);
  const list = vouchers.command('list').description('the newest batches');
  ask(list, cli, async ({ app }) => {
    const batches = await app.batches.list();
    return { text: table(batchHead, batches.map(batchRow)), data: batches };
  });
}

type CreateOptions = {
  operator: string;
  value: readonly Value[];
  count: number;
  digits?: number;
  expires: Date;
  recipient: readonly string[];
  note?: string;
};

function addCreate(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('create')
    .description('draft a batch and ask for its approval')
    .requiredOption('--operator <id>', 'operator of the country pack, such as kcell')
    .requiredOption('--value <amount>', '1000, 500MB/30d, 60MIN, 100SMS; may be repeated', arguments_(parseValue))
    .requiredOption('--count <n>', 'how many cards', argument(parseCount))
    .requiredOption('--expires <day>', 'last day a card may be used, 2028-12-31', argument(parseLastDay))
    .requiredOption('--recipient <age1...>', "the printer's age public key; may be repeated", arguments_(String))
    .option('--digits <n>', 'length of the PIN, 12 to 20 (default 16)', argument(parseCount))
    .option('--note <text>', 'what it is for');
  act<CreateOptions>(command, cli, async ({ app, options, actor }) => {
    const { value, recipient, expires, note, digits, count } = options;
    const { batch, approval } = await app.batches.create({
      operator: app.catalogue.parseOperator(options.operator),
      values: value,
      count,
      expiresAt: expires,
      recipients: recipient,
      ...(digits === undefined ? {} : { digits }),
      ...(note === undefined ? {} : { note }),
      maker: actor,
    });
    const next = `Somebody else approves it: sapar vouchers approve ${batch.id} --as NAME`;
    return { text: `${batchFacts(batch)}\n\n${next}`, data: { batch, approval } };
  });
}

function addApprove(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('approve')
    .description('approve the draft of a batch, which somebody else has made')
    .argument('<batch>', 'batch number', argument(parseNumber));
  act(command, cli, async ({ app, args, actor }) => {
    const [batch] = args;
    const open = await app.approvals.list('open');
    const approval = open.find(({ action, request }) => action === 'voucher.create' && request.batch === String(batch));
    if (!approval) throw new Refusal('approval.not_found');
    return showVote(await app.approvals.vote({ id: approval.id, checker: actor }));
  });
}

function addGenerate(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('generate')
    .description('make the cards of an approved batch, and the encrypted file for the printer')
    .argument('<batch>', 'batch number', argument(parseNumber))
    .option('--out <dir>', 'where the file goes (default: print/ in the data directory)');
  act<{ out?: string }>(command, cli, generate);
}

async function generate({ app, io, args, options, actor }: Call<{ out?: string }>): Promise<Answer> {
  const batch = args[0] as bigint;
  const bar = progressBar(io, `batch ${batch}`);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  try {
    const dir = options.out === undefined ? app.printDir : resolve(options.out);
    const onProgress = bar.show;
    const made = await app.batches.generate({ batch, dir, actor, onProgress, signal: stop.signal });
    const text = facts([
      ['print file', made.printFile],
      ['manifest', made.manifestFile],
      ['cards', grouped(made.manifest.count)],
      ['serials', `${made.manifest.firstSerial} to ${made.manifest.lastSerial}`],
      ['worth', made.manifest.totals.map(({ amount, unit }) => `${amount} ${unit}`).join(' + ')],
      ['sha256', made.manifest.file.sha256],
    ]);
    return { text, data: made };
  } finally {
    process.off('SIGINT', onSignal);
    bar.end();
  }
}

function addReport(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('report')
    .description('cards by state, and what they are worth: one batch or the newest ones')
    .argument('[batch]', 'batch number', argument(parseNumber));
  ask(command, cli, async ({ app, args }) => {
    const reports = await app.batches.report(args[0] as bigint | undefined);
    return { text: table(reportHead, reports.flatMap(reportRows)), data: reports };
  });
}

function addVerify(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('verify')
    .description('check the signature of a manifest, and the print file beside it')
    .argument('<manifest>', 'manifest file')
    .argument('[print-file]', 'print file');
  ask(command, cli, async ({ app, args }) => {
    const [manifestPath, printPath] = args as [string, string | undefined];
    const manifest = JSON.parse(await readFile(manifestPath, 'utf8'));
    const isSigned = app.batches.isOurs(manifest);
    if (!isSigned) throw new Error('the manifest is not ours, or was changed');
    if (printPath !== undefined && (await sha256Of(printPath)) !== manifest.file.sha256)
      throw new Error('the print file is not the one the manifest speaks of');
    const text = printPath === undefined ? 'The manifest is ours.' : 'The manifest is ours, and the print file is its.';
    return { text, data: { manifest: isSigned, printFile: printPath === undefined ? null : true } };
  });
}

function addManifestKey(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('manifest-key')
    .description('the public key that manifests are signed with, for printers');
  ask(command, cli, async ({ app }) => {
    const key = app.batches.manifestKey();
    return { text: key.trim(), data: { algorithm: 'Ed25519', key } };
  });
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

const batchHead = ['batch', 'operator', 'state', 'cards', 'serials', 'value', 'redeem before', 'note'];

function batchRow(batch: Batch): string[] {
  return [
    String(batch.id),
    batch.operator,
    batch.state,
    grouped(batch.count),
    `${batch.firstSerial}-${batch.lastSerial}`,
    valueText(batch.values),
    moment(batch.expiresAt),
    batch.note,
  ];
}

const reportHead = ['batch', 'operator', 'batch is', 'cards are', 'cards', 'worth'];

function reportRows({ batch, operator, state, states }: BatchReport): string[][] {
  return states.map((one) => [String(batch), operator, state, one.state, grouped(one.count), one.worth]);
}
