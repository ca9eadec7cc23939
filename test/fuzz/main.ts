import { parseArgs } from 'node:util';
import { codecs } from './codecs.ts';
import { fuzz } from './fuzz.ts';

// npm run fuzz -- --inputs 1000000: what comes from outside, changed at random, into every codec, a million for each.

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(process.pid) },
    codec: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(`npm run fuzz -- [--inputs N] [--seed N] [--codec NAME]
  --inputs   how many for each codec (default 1000000)
  --seed     the same inputs as before
  --codec    one of: ${codecs.map(({ name }) => name).join(', ')}
`);
} else {
  const wanted = codecs.filter(({ name }) => values.codec === undefined || name === values.codec);
  const seed = Number(values.seed);
  let worst = wanted.length === 0 ? 1 : 0;
  for (const codec of wanted) {
    const startedAt = performance.now();
    const { inputs, slowestMs, found } = fuzz(codec, { inputs: Number(values.inputs), seed });
    const seconds = (performance.now() - startedAt) / 1_000;
    const memory = Math.round(process.memoryUsage().rss / 1024 / 1024);
    const figures = `${inputs} inputs in ${seconds.toFixed(1)} s, slowest ${slowestMs.toFixed(1)} ms, memory ${memory} MB`;
    process.stdout.write(`${found ? '✖' : '✔'} ${codec.name}: ${figures}, seed ${seed}\n`);
    if (found) {
      process.stdout.write(
        `  input ${found.input}\n  ${found.error instanceof Error ? found.error.stack : found.error}\n`,
      );
      worst = 1;
    }
  }
  process.exitCode = worst;
}
