import type { Command } from 'commander';
import type { GatewayReport } from '../../gateways/index.ts';
import { act, ask } from './command.ts';
import { moment, table } from './output.ts';
import type { Cli } from './program.ts';

/** Links to operators' networks: how they stand, and leaving one in good order. */
export function addGateways(gateways: Command, cli: Cli): void {
  const list = gateways.command('list', { isDefault: true }).description('how each stands, in every process');
  ask(list, cli, async ({ app }) => {
    const found = await app.gateways.list();
    const head = ['gateway', 'protocol', 'operator', 'state', 'since', 'dialogues', 'waiting', 'in/min', 'out/min'];
    return { text: table([...head, 'last error', 'process'], found.map(row)), data: found };
  });
  for (const [verb, wish, description, done] of [
    ['drain', 'drain', 'finish what is under way there, begin nothing, and leave', 'is left in good order'],
    ['resume', 'run', 'connect it again', 'is connected again'],
  ] as const) {
    const command = gateways
      .command(verb)
      .description(description)
      .argument('<gateway>')
      .requiredOption('--reason <text>', 'why; it is recorded');
    act<{ reason: string }>(command, cli, async ({ app, args, options, actor }) => {
      const gateway = String(args[0]);
      await app.gateways.wish({ gateway, wish, reason: options.reason, actor });
      return { text: `${gateway} ${done} within seconds, by every process.`, data: { gateway, wish } };
    });
  }
}

function row(report: GatewayReport): string[] {
  return [
    report.id,
    report.protocol,
    report.operator,
    report.isCurrent ? stateOf(report) : `gone (${report.state})`,
    moment(report.since),
    String(report.dialogues),
    String(report.waiting),
    String(report.inMinute),
    String(report.outMinute),
    report.lastError ?? '',
    report.process,
  ];
}

/** Why it is left stands beside it, for whoever comes to look. */
function stateOf({ state, wish, reason }: GatewayReport): string {
  return wish === 'drain' ? `${state}: ${reason}` : state;
}
