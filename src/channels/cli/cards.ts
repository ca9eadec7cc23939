import type { Command } from 'commander';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { type ChangeVerb, parsePin } from '../../vouchers/index.ts';
import { type Answer, act, argument, ask, type Call, UsageError } from './command.ts';
import { parseInstant, parseNumber, readSecretLine } from './input.ts';
import { facts, grouped, moment } from './output.ts';
import type { Cli } from './program.ts';
import { batchFacts, cardFacts, changeText, changeWords, redemptionFacts } from './render.ts';

/** Cards by their serials: states of ranges, one card's story, redemption, and the bars of the guess ladder. */
export function addCards(vouchers: Command, cli: Cli): void {
  addChange(vouchers.command('activate').description('ask for cards to become redeemable'), cli, 'activate');
  addChange(vouchers.command('lock').description('ask for cards to be refused until unlocked'), cli, 'lock');
  addChange(
    vouchers.command('unlock').description('ask for locked, stolen or damaged cards to be as before'),
    cli,
    'unlock',
  );
  addChange(vouchers.command('void').description('ask for cards to be worth nothing, for good'), cli, 'void');
  addMark(vouchers, cli);
  addShow(vouchers, cli);
  addRedeem(vouchers, cli);
  addRedeemSerial(vouchers, cli);
  addUnbar(vouchers, cli);
  addDue(vouchers, cli);
}

type ChangeOptions = { first?: bigint; last?: bigint; batch?: bigint; reason?: string; at?: Date };

function addChange(command: Command, cli: Cli, verb: ChangeVerb): void {
  act<ChangeOptions>(withRange(command), cli, (call) => requestChange(call, verb));
}

function withRange(command: Command): Command {
  return command
    .option('--first <serial>', 'first serial', argument(parseNumber))
    .option('--last <serial>', 'last serial (default: the first)', argument(parseNumber))
    .option('--batch <batch>', 'all serials of a batch instead', argument(parseNumber))
    .option('--reason <text>', 'why; the checker reads it')
    .option('--at <instant>', 'when it shall be done, 2026-12-01T08:00+05:00', argument(parseInstant));
}

async function requestChange(call: Call<ChangeOptions>, verb: ChangeVerb): Promise<Answer> {
  const { app, options, actor } = call;
  const range = await rangeOf(call);
  const { reason = '', at } = options;
  const { approval, preview } = await app.batches.requestChange({ verb, ...range, reason, at, maker: actor });
  const when = at === undefined ? 'once approved' : `at ${moment(at)}`;
  const next = `Somebody else approves it: sapar approvals approve ${approval} --as NAME`;
  return { text: `To ${changeWords[verb]} ${when}:\n${changeText(preview)}\n\n${next}`, data: { approval, preview } };
}

async function rangeOf({ app, options }: Call<ChangeOptions>): Promise<{ first: bigint; last: bigint }> {
  const { first, last, batch } = options;
  const isUnclear = (first === undefined) === (batch === undefined) || (first === undefined && last !== undefined);
  if (isUnclear) throw new UsageError('Give --first (and --last), or --batch.');
  if (first !== undefined) return { first, last: last ?? first };
  const { firstSerial, lastSerial } = await app.batches.find(batch ?? 0n);
  return { first: firstSerial, last: lastSerial };
}

const batchMarks = { printed: 'print', distributed: 'distribute' } as const;
const cardMarks = { damaged: 'damage', stolen: 'steal' } as const;

function addMark(vouchers: Command, cli: Cli): void {
  const mark = vouchers.command('mark').description('record what happened to cards');
  for (const state of ['printed', 'distributed'] as const) {
    const command = mark
      .command(state)
      .description(`a whole batch has been ${state}`)
      .argument('<batch>', 'batch number', argument(parseNumber));
    act(command, cli, async ({ app, args, actor }) => {
      const batch = args[0] as bigint;
      const now = await app.batches.mark(batch, batchMarks[state], actor);
      return { text: `Batch ${batch} is ${now}.`, data: { batch, state: now } };
    });
  }
  for (const state of ['damaged', 'stolen'] as const) {
    addChange(mark.command(state).description(`ask for cards to be kept as ${state}`), cli, cardMarks[state]);
  }
}

/** Serials begin above every batch number there will be. */
const SERIAL_MIN = 1_000_000_001n;

function addShow(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('show')
    .description('one card by its serial, or one batch by its number')
    .argument('<serial|batch>', 'what to show', argument(parseNumber));
  ask(command, cli, async ({ app, args }) => {
    const id = args[0] as bigint;
    if (id >= SERIAL_MIN) {
      const card = await app.batches.card(id);
      return { text: cardFacts(card), data: card };
    }
    const batch = await app.batches.find(id);
    return { text: batchFacts(batch), data: batch };
  });
}

function addRedeem(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('redeem')
    .description('credit a card to a number; the PIN is typed, or comes from standard input')
    .requiredOption('--number <number>', 'whom to credit, +7 701 123 4567', argument(parseMsisdn));
  act<{ number: Msisdn }>(command, cli, async ({ app, io, options, actor }) => {
    const target = options.number;
    const pin = parsePin(await readSecretLine(io, 'Card code: '));
    const operator = app.catalogue.operatorOf(target);
    const asked = {
      pin,
      target,
      caller: target,
      channel: 'cli',
      gateway: undefined,
      operator,
      apiKey: undefined,
      actor,
    } as const;
    const redemption = await app.topups.redeem(asked);
    return { text: redemptionFacts(redemption), data: redemption };
  });
}

type SerialOptions = { number: Msisdn; reason: string };

function addRedeemSerial(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('redeem-serial')
    .description('ask for a card whose PIN cannot be read to be credited by its serial; two others approve')
    .argument('<serial>', 'serial on the card', argument(parseNumber))
    .requiredOption('--number <number>', 'whom to credit', argument(parseMsisdn))
    .requiredOption('--reason <text>', 'why; the checkers read it');
  act<SerialOptions>(command, cli, async ({ app, args, options, actor }) => {
    const { number: msisdn, reason } = options;
    const asked = await app.damaged.request({ serial: args[0] as bigint, msisdn, reason, maker: actor });
    const next = `Two others approve it: sapar approvals approve ${asked.approval} --number NUMBER --as NAME`;
    return { text: next, data: asked };
  });
}

type UnbarOptions = { number?: Msisdn; key?: string };

function addUnbar(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('unbar')
    .description('lift the bars that wrong PINs have brought')
    .option('--number <number>', 'of a number', argument(parseMsisdn))
    .option('--key <id>', 'of an API key');
  act<UnbarOptions>(command, cli, async ({ app, options, actor }) => {
    const { number, key } = options;
    if ((number === undefined) === (key === undefined)) throw new UsageError('Give --number or --key.');
    const id = number === undefined ? (key ?? '') : app.subscribers.refer(number).index;
    const lifted = await app.batches.unbar({ id, actor });
    return { text: lifted === 0 ? 'Nothing was barred.' : `Lifted: ${lifted}.`, data: { lifted } };
  });
}

function addDue(vouchers: Command, cli: Cli): void {
  const command = vouchers.command('due').description('do now what is due: scheduled changes, cards past their date');
  ask(command, cli, async ({ app }) => {
    const changes = await app.approvals.runDue();
    const expiry = await app.batches.expireDue();
    const text = facts([
      ['scheduled changes', String(changes.length)],
      ['batches past their date', String(expiry.batches)],
      ['cards expired', grouped(expiry.expired)],
    ]);
    return { text, data: { changes, ...expiry } };
  });
}
