import { parseArgs } from 'node:util';
import { controls, isControl } from './control.ts';
import { crash } from './harness.ts';

// npm run crashes -- --kills 1000 [--control sync-off|no-unique|ack-early] [--seed N]

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    control: { type: 'string', default: 'none' },
    seed: { type: 'string', default: String(process.pid) },
  },
});
const kills = Number(values.kills);
if (!Number.isInteger(kills) || kills < 1 || kills > 100_000)
  throw new Error('--kills is a whole number from 1 to 100000');
if (!isControl(values.control)) throw new Error(`--control is one of ${controls.join(', ')}`);

process.stdout.write(`seed ${values.seed}\n`);
const startedAt = performance.now();
const verdict = await crash({
  kills,
  control: values.control,
  seed: Number(values.seed),
  onKill: (done) => {
    if (process.stderr.isTTY || done % 25 === 0)
      process.stderr.write(
        `${process.stderr.isTTY ? '\r' : ''}${done} of ${kills} kills${process.stderr.isTTY ? '' : '\n'}`,
      );
  },
});
const rows: [string, string | number][] = [
  ['kills', verdict.kills],
  ['credits acknowledged', verdict.acknowledged],
  ['lost', verdict.lost.length],
  ['doubled', verdict.doubled.length],
  ['invariants broken', verdict.breaches.length],
  ['kill to first good credit, median', `${Math.round(verdict.recoveryMsMedian)} ms`],
  ['kill to first good credit, longest', `${Math.round(verdict.recoveryMsMax)} ms`],
  ['took', `${Math.round((performance.now() - startedAt) / 1000)} s`],
];
process.stdout.write(`\n${rows.map(([name, value]) => `${name.padEnd(38)} ${value}`).join('\n')}\n`);
for (const line of [...verdict.lost.slice(0, 5), ...verdict.doubled.slice(0, 5), ...verdict.breaches])
  process.stdout.write(`! ${line}\n`);
process.exit(verdict.lost.length + verdict.doubled.length + verdict.breaches.length === 0 ? 0 : 1);
