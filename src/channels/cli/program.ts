import { Command, CommanderError } from 'commander';
import type { Approvals, verify } from '../../audit/index.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Catalogue } from '../../catalogue/index.ts';
import type { GatewayBoard } from '../../gateways/index.ts';
import { refusalText } from '../../i18n/index.ts';
import type { TextMessages } from '../../notices/index.ts';
import type { Agents, createPartners, Subscribers } from '../../parties/index.ts';
import type { Reconciliation } from '../../reconciliation/index.ts';
import type { AuditCheck } from '../../reports/index.ts';
import type { DamagedCards, StaffOrders, Topups } from '../../topups/index.ts';
import type { Batches, Done } from '../../vouchers/index.ts';
import { addAgents } from './agents.ts';
import { addApprovals } from './approvals.ts';
import { addAudit } from './audit.ts';
import { addBatches } from './batches.ts';
import { addCards } from './cards.ts';
import { BadNews, UsageError } from './command.ts';
import { addGateways } from './gateways.ts';
import { addOrders } from './orders.ts';
import { asJson } from './output.ts';
import { addPartners } from './partners.ts';
import { addReconcile } from './reconcile.ts';
import { addSheets } from './sheets.ts';
import { addSms } from './sms.ts';
import { addSubscribers } from './subscribers.ts';

/** The verbs that commands call. Opened when a command needs them, so that `--help` needs no database. */
export type CliApp = {
  readonly batches: Batches;
  readonly approvals: Approvals<Done>;
  readonly damaged: DamagedCards;
  readonly partners: ReturnType<typeof createPartners>;
  readonly agents: Omit<Agents, 'atDoor' | 'available'>;
  readonly topups: Pick<Topups, 'redeem'>;
  readonly subscribers: Pick<Subscribers, 'refer' | 'read' | 'balances' | 'movements' | 'setStatus'>;
  readonly catalogue: Pick<Catalogue, 'parseOperator' | 'operatorOf' | 'operators'>;
  readonly orders: StaffOrders;
  /** Operator to the way its numbers are credited; hosted unless named. */
  readonly routes: ReadonlyMap<string, string>;
  readonly reconciliation: Reconciliation;
  readonly gateways: GatewayBoard;
  readonly sms: Pick<TextMessages, 'waiting' | 'ofNumber' | 'retry' | 'stop' | 'start'>;
  /** Where print files go unless told otherwise. */
  readonly printDir: string;
  audit(): Promise<readonly AuditCheck[]>;
  verifyChain(): ReturnType<typeof verify>;
  close(): Promise<void>;
};

/** Where a command reads and writes; the process's own in production. */
export type CliIo = {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
};

export type Cli = {
  readonly open: () => Promise<CliApp>;
  /** The facts of the country, which need no database. */
  readonly catalogue: () => Catalogue;
  readonly io: CliIo;
};

/** All staff commands. The caller may add its own before running them with `runCli`. */
export function buildCli(cli: Cli): Command {
  const program = new Command('sapar')
    .description('Sapar: prepaid top-up for travel SIMs. Staff commands and the platform itself.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void cli.io.stdout.write(text),
      writeErr: (text) => void cli.io.stderr.write(text),
    })
    .showHelpAfterError('(add --help for the way it is used)');
  const vouchers = program.command('vouchers').description('batches, print files, states of cards, redemption');
  addBatches(vouchers, cli);
  addCards(vouchers, cli);
  addSheets(vouchers, cli);
  addApprovals(program.command('approvals').description('what others have asked for'), cli);
  addSubscribers(program.command('subscribers').description('a number: balances, movements, closing'), cli);
  addPartners(program.command('partners').description('API partners, their floats and keys'), cli);
  addAgents(program.command('agents').description('partners that pay by OSMP or Kaspi: kiosks, banks'), cli);
  addOrders(program.command('orders').description('orders that customers pay'), cli);
  addReconcile(program.command('reconcile').description('reports of providers and operators beside our books'), cli);
  addSms(program.command('sms').description('text messages to phones'), cli);
  addGateways(program.command('gateways').description("links to operators' networks"), cli);
  addAudit(program, cli);
  return program;
}

const exitCodes = { done: 0, refused: 1, usage: 2, interrupted: 130 } as const;

/** Runs one command and says how it ended: 0 done, 1 refused or failed, 2 not understood, 130 interrupted. */
export async function runCli(program: Command, argv: readonly string[], io: CliIo): Promise<number> {
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    // Commander has written what is wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof UsageError) {
      io.stderr.write(`error: ${error.message}\n`);
      return exitCodes.usage;
    }
    if (error instanceof BadNews) return exitCodes.refused;
    if (error instanceof Error && error.name === 'AbortError') {
      io.stderr.write('sapar: interrupted; nothing was made\n');
      return exitCodes.interrupted;
    }
    if (error instanceof Refusal) tellRefusal(error, argv.includes('--json'), io);
    else io.stderr.write(`sapar: ${error instanceof Error ? error.message : String(error)}\n`);
    if (io.env.LOG_LEVEL === 'debug' && error instanceof Error) io.stderr.write(`${error.stack}\n`);
    return exitCodes.refused;
  }
}

function tellRefusal({ code, details }: Refusal, isJson: boolean, io: CliIo): void {
  const message = refusalText(code, 'en', details);
  if (isJson) {
    io.stdout.write(asJson({ refused: code, message, details }));
    return;
  }
  const facts = Object.entries(details).map(([name, value]) => `${name}: ${value}`);
  const suffix = facts.length > 0 ? ` (${facts.join(', ')})` : '';
  io.stderr.write(`sapar: ${message} [${code}]${suffix}\n`);
}
