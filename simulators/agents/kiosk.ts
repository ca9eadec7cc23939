import { runNetwork } from './program.ts';
import { osmpWire } from './wires.ts';

// node simulators/agents/kiosk.ts 7011234567 500: a payment terminal that speaks OSMP. No money moves but the platform's own.

process.exitCode = await runNetwork(
  { name: 'kiosk', protocol: 'osmp', agent: 'demo-kiosk', wire: osmpWire },
  process.argv.slice(2),
);
