import { parseArgs } from 'node:util';
import { controls, isControl } from './control.ts';
import { chaos } from './harness.ts';

// npm run chaos -- --orders 3000 [--minutes M] [--seed N] [--processes 1|2] [--control guess|every-notice|hope]

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '3000' },
    minutes: { type: 'string', default: '120' },
    control: { type: 'string', default: 'none' },
    seed: { type: 'string', default: String(process.pid) },
    payers: { type: 'string', default: '90' },
    processes: { type: 'string', default: '1' },
  },
});

function whole(name: 'orders' | 'minutes' | 'payers', max: number): number {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < 1 || number > max)
    throw new Error(`--${name} is a whole number from 1 to ${max}`);
  return number;
}

if (!isControl(values.control)) throw new Error(`--control is one of ${controls.join(', ')}`);

process.stdout.write(`seed ${values.seed}\n`);
const verdict = await chaos({
  orders: whole('orders', 100_000),
  minutes: whole('minutes', 24 * 60),
  payers: whole('payers', 500),
  processes: values.processes === '2' ? 2 : 1,
  control: values.control,
  seed: Number(values.seed),
  onProgress({ orders, kills }) {
    if (orders % 100 === 0) process.stderr.write(`${orders} orders, ${kills} kills\n`);
  },
});

const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);
const rows: [string, string | number][] = [
  ['orders', verdict.orders],
  ['kills', `${sum(verdict.kills)} (${[...verdict.kills].map(([target, count]) => `${target} ${count}`).join(', ')})`],
  ['bad spells of parties outside', sum(verdict.spells)],
  ['calls that met a fault', sum(verdict.met)],
  ...[...verdict.met].sort().map(([name, count]): [string, number] => [`  ${name}`, count]),
  ['notifications, once each', Number(verdict.notices.reduce((total, { count }) => total + count, 0n))],
  ...verdict.notices.map(({ provider, outcome, count }): [string, number] => [
    `  ${provider} ${outcome}`,
    Number(count),
  ]),
  ['payments captured, refunds made', `${verdict.captures}, ${verdict.refunds}`],
  ['phones credited', verdict.credits],
  ['how orders ended', ''],
  ...[...verdict.ends].sort().map(([name, count]): [string, number] => [`  ${name}`, count]),
  ['kill to first good answer, median', `${Math.round(verdict.recoveryMsMedian)} ms`],
  ['kill to first good answer, longest', `${Math.round(verdict.recoveryMsMax)} ms`],
  [
    'under load, then until all had ended',
    `${Math.round(verdict.ordersMs / 1000)} s, ${Math.round(verdict.drainMs / 1000)} s`,
  ],
  ['violations', verdict.violations.length],
];
process.stdout.write(`\n${rows.map(([name, value]) => `${name.padEnd(38)} ${value}`).join('\n')}\n`);
for (const line of verdict.violations.slice(0, 60)) process.stdout.write(`! ${line}\n`);
process.exit(verdict.violations.length === 0 ? 0 : 1);
