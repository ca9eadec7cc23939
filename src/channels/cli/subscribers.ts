import type { Command } from 'commander';
import { type Msisdn, maskMsisdn, parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import { act, argument, ask } from './command.ts';
import { facts, moment, table } from './output.ts';
import type { Cli, CliApp } from './program.ts';

const MOVEMENTS = 10;

/** One number: who it is to us, what it has, and whether it takes credit. */
export function addSubscribers(subscribers: Command, cli: Cli): void {
  const show = withNumber(
    subscribers.command('show').description(`a number's state and balances, and its last ${MOVEMENTS} movements`),
  );
  ask(show, cli, async ({ app, args }) => showNumber(app, args[0] as Msisdn));
  const close = subscribers.command('close').description('take no new credit for a number; what it has stays');
  addStatus(close, cli, 'closed');
  const reopen = subscribers.command('reopen').description('take credit for a closed number again');
  addStatus(reopen, cli, 'active');
}

function withNumber(command: Command): Command {
  return command.argument('<number>', '+7 701 123 4567', argument(parseMsisdn));
}

async function showNumber(app: CliApp, msisdn: Msisdn) {
  const subscriber = await app.subscribers.read(msisdn);
  if (!subscriber) throw new Refusal('subscriber.not_found');
  const [buckets, movements] = await Promise.all([
    app.subscribers.balances(msisdn),
    app.subscribers.movements(msisdn, { limit: MOVEMENTS }),
  ]);
  const { id, status, operator, language } = subscriber;
  const ending = (expiresAt: string | null): string => (expiresAt === null ? 'keeps' : moment(new Date(expiresAt)));
  const text = [
    facts([
      ['subscriber', String(id)],
      ['number', maskMsisdn(msisdn)],
      ['state', status],
      ['operator', operator],
      ['language', language],
    ]),
    table(
      ['balance', 'unit', 'until'],
      buckets.map(({ amount, unit, expiresAt }) => [amount, unit, ending(expiresAt)]),
    ),
    table(
      ['when', 'what', 'amount', 'unit', 'reference'],
      movements.map((one) => [moment(new Date(one.at)), one.kind, one.amount, one.unit, one.reference]),
    ),
  ].join('\n\n');
  return { text, data: { id, number: maskMsisdn(msisdn), status, operator, language, buckets, movements } };
}

function addStatus(verb: Command, cli: Cli, status: 'active' | 'closed'): void {
  const command = withNumber(verb).requiredOption(
    '--reason <text>',
    'why; kept in the audit trail',
    argument(parseWhy),
  );
  act<{ reason: string }>(command, cli, async ({ app, args, options, actor }) => {
    const msisdn = args[0] as Msisdn;
    const changed = await app.subscribers.setStatus(msisdn, status, { actor, reason: options.reason });
    const text = `${maskMsisdn(msisdn)} is ${status}${changed ? '' : ', as it was before'}.`;
    return { text, data: { number: maskMsisdn(msisdn), status, changed } };
  });
}

function parseWhy(text: string): string {
  if (text.trim() === '') throw new Error('Say why.');
  return text;
}
