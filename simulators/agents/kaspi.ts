import { runNetwork } from './program.ts';
import { kaspiWire } from './wires.ts';

// node simulators/agents/kaspi.ts 7011234567 500: a bank's app that speaks Kaspi's protocol. No money moves but the platform's own.

process.exitCode = await runNetwork(
  { name: 'kaspi', protocol: 'kaspi', agent: 'demo-kaspi', wire: kaspiWire },
  process.argv.slice(2),
);
