import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { openPlatform } from './app.ts';
import { verify } from './audit/index.ts';
import { loadCatalogue } from './catalogue/index.ts';
import { buildCli, type CliApp, type CliIo } from './channels/cli/index.ts';
import { readConfig, root } from './config.ts';
import { dumpSchema } from './db/index.ts';
import { createGatewayBoard } from './gateways/index.ts';
import { createLog } from './log.ts';
import { createReconciliation } from './reconciliation/index.ts';
import { audit } from './reports/index.ts';
import { withSimulated } from './simulated.ts';
import { createDamagedCards, createStaffOrders } from './topups/index.ts';

/** The staff's commands over a platform that is opened when the first of them needs it. */
export function buildProgram(io: CliIo): Command {
  const program = buildCli({ open: openForStaff, catalogue: () => loadCatalogue(join(root, 'data', 'kz')), io });
  program
    .command('migrate')
    .description('bring the database up to date and leave')
    .action(async () => {
      const app = await openForStaff();
      await app.close();
    });
  program
    .command('schema')
    .description('print what the migrations add up to; kept in schema.sql')
    .option('--out <file>', 'write it there instead')
    .action(async (options: { out?: string }) => {
      const platform = await open();
      try {
        const text = await dumpSchema(platform.db);
        if (options.out === undefined) io.stdout.write(text);
        else writeFileSync(options.out, text);
      } finally {
        await platform.close();
      }
    });
  return program;
}

/** A command adopts the database of a running platform, or starts it for as long as it needs it. */
function open() {
  const config = withSimulated(readConfig(process.env));
  return openPlatform(config, { log: createLog(config.logLevel) });
}

async function openForStaff(): Promise<CliApp> {
  const platform = await open();
  const { batches, approvals, partners, agents, topups, orders, subscribers, catalogue, db, clock, config } = platform;
  const printDir = join(config.dataDir, 'print');
  mkdirSync(printDir, { recursive: true, mode: 0o700 });
  return {
    batches,
    approvals,
    damaged: createDamagedCards({ approvals, topups, subscribers, batches }),
    partners,
    agents,
    topups,
    orders: createStaffOrders(orders.context),
    routes: orders.context.routes,
    subscribers,
    catalogue,
    reconciliation: createReconciliation({ db, clock, subscribers, agents }),
    gateways: createGatewayBoard({ db, clock }),
    sms: platform.sms,
    printDir,
    audit: () => audit(db),
    verifyChain: () => verify(db),
    close: () => platform.close(),
  };
}
