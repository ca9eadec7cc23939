import { parseArgs } from 'node:util';
import { controls, isControl } from './control.ts';
import { tell } from './harness.ts';

// npm run notices -- --notices 100000 [--control refused|taken] [--seed N]

const { values } = parseArgs({
  options: {
    notices: { type: 'string', default: '10000' },
    control: { type: 'string', default: 'none' },
    seed: { type: 'string', default: String(process.pid) },
  },
});
const notices = Number(values.notices);
if (!Number.isInteger(notices) || notices < 100 || notices > 1_000_000)
  throw new Error('--notices is a whole number from 100 to 1000000');
if (!isControl(values.control)) throw new Error(`--control is one of ${controls.join(', ')}`);

process.stdout.write(`seed ${values.seed}\n`);
const verdict = await tell({
  notices,
  control: values.control,
  seed: Number(values.seed),
  onProgress: (done, kills) => {
    const line = `${done} of ${notices} told, ${kills} kills`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}`);
    else if (kills % 10 === 0) process.stderr.write(`${line}\n`);
  },
});
const rows: [string, string | number][] = [
  ['credits that owe a notice', verdict.owed],
  ['kills of the SMS centre', verdict.centreKills],
  ['kills of the platform', verdict.programKills],
  ['answers lost besides', verdict.answersLost],
  ['messages on phones', verdict.arrived],
  ['lost', verdict.lost.length],
  ['repeats, marked', verdict.repeats],
  ['repeats, not marked', verdict.unmarked.length],
  ['marked, the first copy had not arrived', verdict.cautious],
  ['not delivered by our own book', verdict.unsettled],
  ['took', `${Math.round(verdict.tookMs / 1_000)} s`],
];
process.stdout.write(`\n${rows.map(([name, value]) => `${name.padEnd(42)} ${value}`).join('\n')}\n`);
for (const line of [...verdict.lost.slice(0, 5), ...verdict.unmarked.slice(0, 5)]) process.stdout.write(`! ${line}\n`);
process.exit(verdict.lost.length + verdict.unmarked.length + verdict.unsettled === 0 ? 0 : 1);
