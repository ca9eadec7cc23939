import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { root } from './config.ts';

type Simulator = { readonly name: string; readonly file: string; readonly description: string };

/** What stands outside, as programs that speak the real protocols over sockets; each has a `--help` of its own. */
const programs: readonly Simulator[] = [
  {
    name: 'kiosk',
    file: 'agents/kiosk.ts',
    description: 'a payment terminal that speaks OSMP: checks, takes the money, pays',
  },
  { name: 'kaspi', file: 'agents/kaspi.ts', description: "a bank's app that speaks Kaspi's protocol" },
  {
    name: 'ussd-gateway',
    file: 'smsc/main.ts',
    description: 'an SMS centre with a USSD gateway that speaks SMPP, and its phones',
  },
  {
    name: 'phone',
    file: 'smsc/phone.ts',
    description: 'a phone in this terminal, behind one of the simulated networks',
  },
  { name: 'msc', file: 'msc/main.ts', description: 'a switching centre: phones behind a real HLR that speaks GSUP' },
];

/** `sapar simulate …`: whoever tries the platform without a network of their own. The product itself knows none of them. */
export function addSimulate(program: Command): void {
  const simulate = program
    .command('simulate')
    .description('phones, gateways, kiosks and banks outside, to try the doors with');
  for (const { name, file, description } of programs)
    simulate
      .command(name)
      .description(description)
      .helpOption(false)
      .allowUnknownOption()
      .argument('[arguments...]')
      .action((rest: readonly string[]) => run(file, rest));
}

/** In the same terminal; its end is ours. */
function run(file: string, rest: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'simulators', file), ...rest], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; the simulator ends by itself, and then so do we.
  const wait = (): void => undefined;
  process.on('SIGINT', wait);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('SIGINT', wait);
      process.exitCode = code ?? 1;
      resolve();
    });
  });
}
