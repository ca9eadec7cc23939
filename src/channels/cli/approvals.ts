import type { Command } from 'commander';
import type { Approval } from '../../audit/index.ts';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { changeVerbs, REDEEM_SERIAL } from '../../vouchers/index.ts';
import { type Answer, act, argument, ask, type Call, UsageError } from './command.ts';
import { parseNumber } from './input.ts';
import { facts, moment, table } from './output.ts';
import type { Cli } from './program.ts';
import { changeWords, redemptionFacts, showVote } from './render.ts';

/** What others have asked for, and a yes to it. */
export function addApprovals(approvals: Command, cli: Cli): void {
  const list = approvals.command('list').description('what waits for a checker').option('--all', 'and what is over');
  ask<{ all?: boolean }>(list, cli, async ({ app, options }) => {
    const found = await app.approvals.list(options.all === true ? 'all' : 'open');
    return { text: table(head, found.map(row)), data: found };
  });

  const show = approvals
    .command('show')
    .description('one request, exactly as it would be done')
    .argument('<approval>', 'approval number', argument(parseNumber));
  ask(show, cli, async ({ app, args }) => {
    const found = await app.approvals.find(args[0] as bigint);
    return { text: approvalFacts(found), data: found };
  });

  const approve = approvals
    .command('approve')
    .description("say yes to somebody else's request; the last yes needed also does it")
    .argument('<approval>', 'approval number', argument(parseNumber))
    .option('--number <number>', 'whom to credit, where a card is credited by its serial', argument(parseMsisdn));
  act<{ number?: Msisdn }>(approve, cli, vote);
}

async function vote({ app, args, options, actor }: Call<{ number?: Msisdn }>): Promise<Answer> {
  const id = args[0] as bigint;
  const { action } = await app.approvals.find(id);
  if (action !== REDEEM_SERIAL) return showVote(await app.approvals.vote({ id, checker: actor }));
  if (options.number === undefined) throw new UsageError('Type the number to credit again: --number NUMBER.');
  const cast = await app.damaged.approve({ id, checker: actor, msisdn: options.number });
  if (cast.outcome !== 'done') return showVote(cast);
  return { text: redemptionFacts(cast.redemption), data: cast };
}

const head = ['approval', 'asks for', 'by', 'agreed', 'state', 'until', 'what'];

function row(approval: Approval): string[] {
  return [
    String(approval.id),
    approval.action,
    approval.maker,
    `${approval.checkers.length} of ${approval.needed}`,
    approval.state,
    moment(approval.expiresAt),
    summaryOf(approval),
  ];
}

function summaryOf({ request }: Approval): string {
  const { verb, batch, count, operator, first, last, serial, number } = request;
  if (serial !== undefined) return `credit ${serial} to ${number}`;
  const change = changeVerbs.find((one) => one === verb);
  if (change !== undefined) return `${changeWords[change]} ${first} to ${last}`;
  return `batch ${batch}: ${count} cards of ${operator}`;
}

function approvalFacts(approval: Approval): string {
  return facts([
    ['approval', String(approval.id)],
    ['asks for', approval.action],
    ['state', approval.state],
    ['made by', approval.maker],
    ['agreed', `${approval.checkers.length} of ${approval.needed}  ${approval.checkers.join(', ')}`],
    ['done at', approval.at && moment(approval.at)],
    ['expires', moment(approval.expiresAt)],
    ...Object.entries(approval.request)
      .filter(([name]) => name !== 'numberIndex')
      .map(([name, value]): [string, string] => [
        `  ${name}`,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
  ]);
}
