import type { Command } from 'commander';
import { type Msisdn, maskMsisdn, parseMsisdn } from '../../base/msisdn.ts';
import type { Sms } from '../../notices/index.ts';
import { act, argument, ask } from './command.ts';
import { facts, grouped, moment, table } from './output.ts';
import type { Cli } from './program.ts';

/** Text messages: what waits, what became of those to one number, and what that number wants to hear. */
export function addSms(sms: Command, cli: Cli): void {
  const waiting = sms.command('waiting', { isDefault: true }).description('messages that are not at their end');
  ask(waiting, cli, async ({ app }) => {
    const rows = await app.sms.waiting();
    const cells = rows.map((row) => [row.operator, row.state, grouped(row.count), moment(row.oldest)]);
    return { text: table(['operator', 'state', 'messages', 'oldest'], cells), data: rows };
  });
  const show = withNumber(sms.command('show').description('the last messages to a number'));
  ask(show, cli, async ({ app, args }) => {
    const msisdn = args[0] as Msisdn;
    const { messages, stoppedAt } = await app.sms.ofNumber(msisdn);
    const told = messages.map(viewOf);
    const head = facts([
      ['number', maskMsisdn(msisdn)],
      ['notices', stoppedAt ? `stopped since ${moment(stoppedAt)}` : 'wanted'],
    ]);
    const cells = messages.map((one) => [
      String(one.id),
      moment(one.createdAt),
      one.kind,
      one.state,
      ...detailsOf(one),
    ]);
    const list = table(['message', 'owed', 'kind', 'state', 'copies', 'next look', 'why'], cells);
    return { text: `${head}\n\n${list}`, data: { number: maskMsisdn(msisdn), stoppedAt, messages: told } };
  });
  const retry = withReason(
    sms
      .command('retry')
      .description('owe a notice again that has ended without arriving')
      .argument('<message>', 'as `sms show` names it', argument(messageId)),
  );
  act<Reason>(retry, cli, async ({ app, args, options, actor }) => {
    const id = args[0] as bigint;
    await app.sms.retry(id, { actor, reason: options.reason });
    return { text: `Message ${id} is owed again.`, data: { message: id } };
  });
  addWish(sms.command('stop').description('no more notices for a number that asks for none'), cli, 'stop');
  addWish(sms.command('start').description('notices for a number again'), cli, 'start');
}

type Reason = { reason: string };

function addWish(verb: Command, cli: Cli, wish: 'stop' | 'start'): void {
  const done = { stop: 'gets no notices', start: 'gets notices' };
  act<Reason>(withReason(withNumber(verb)), cli, async ({ app, args, options, actor }) => {
    const msisdn = args[0] as Msisdn;
    const changed = await app.sms[wish](msisdn, { actor, reason: options.reason });
    const text = `${maskMsisdn(msisdn)} ${done[wish]}${changed ? '' : ', as it was before'}.`;
    return { text, data: { number: maskMsisdn(msisdn), wish, changed } };
  });
}

function withNumber(command: Command): Command {
  return command.argument('<number>', '+7 701 123 4567', argument(parseMsisdn));
}

function withReason(command: Command): Command {
  return command.requiredOption('--reason <text>', 'why; kept in the audit trail');
}

function messageId(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new Error('It is a number.');
  return BigInt(text);
}

function detailsOf({ copies, isDoubtful, nextAt, reason }: Sms): string[] {
  return [isDoubtful ? `${copies}, one may be a repeat` : String(copies), nextAt ? moment(nextAt) : '', reason ?? ''];
}

/** What staff see of a message: not whom it is to, nor its words. */
function viewOf({ id, kind, state, reason, copies, isDoubtful, createdAt, expiresAt, nextAt }: Sms) {
  return { id, kind, state, reason, copies, isDoubtful, createdAt, expiresAt, nextAt };
}
