import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { type Bench, type Outcome, pgbenchSimple, simpleBaseline } from '../bench.ts';
import { runMeasured } from '../children.ts';
import { median, medianRate, rowOf, type Sample } from '../rows.ts';
import { root, type Verified } from '../world.ts';

const COUNT_MAX = 1_000_000;
const SECONDS_MAX = 15;
const PEAK_MB = 300;
const YEAR_MS = 365 * 86_400_000;

type Round = { readonly seconds: number; readonly peakMb: number; readonly verified: Verified };

/** `sapar vouchers generate`: cards into the database and into the encrypted print file, timed from the start of the program to its end. */
export async function print(bench: Bench): Promise<Outcome> {
  const count = Math.min(COUNT_MAX, bench.vouchers);
  const words = count.toLocaleString('en');
  const rounds: Round[] = [];
  const simple: Sample[] = [];
  for (let round = 1; round <= bench.rounds; round += 1) {
    bench.say(`print: ${words} vouchers, round ${round} of ${bench.rounds}`);
    rounds.push(await printBatch(bench, `bench_print_${round}`, count));
    const sample = await simpleBaseline(bench).pgbench?.();
    if (sample) simple.push(sample);
  }
  const seconds = median(rounds.map((round) => round.seconds)) ?? 0;
  // A smaller batch is a quick look: starting the program would be most of it.
  const mark = count === COUNT_MAX ? { mark: { of: 'value', atMost: SECONDS_MAX } as const } : {};
  return {
    rows: [
      rowOf({
        name: 'print-time',
        what: `${words} vouchers to an encrypted print file`,
        unit: 's',
        value: seconds,
        ...mark,
      }),
      rowOf({
        name: 'print-memory',
        what: 'its peak memory',
        unit: 'MB',
        value: Math.max(...rounds.map((round) => round.peakMb)),
        mark: { of: 'value', atMost: PEAK_MB },
      }),
      rowOf({
        name: 'print-rate',
        what: 'vouchers made and printed',
        samples: rounds.map((round) => ({ rate: count / round.seconds })),
        against: { name: pgbenchSimple, value: medianRate(simple) },
      }),
    ],
    verified: {
      ok: rounds.every(({ verified }) => verified.ok),
      lines: [...new Set(rounds.flatMap(({ verified }) => verified.lines))],
    },
  };
}

async function printBatch(bench: Bench, name: string, count: number): Promise<Round> {
  const { world } = bench;
  const url = await world.database(name);
  const dir = join(world.dir, name);
  mkdirSync(dir, { mode: 0o700 });
  const identity = await generateIdentity();
  const batch = await draft(bench, url, { count, recipient: await identityToRecipient(identity) });
  const command = ['vouchers', 'generate', String(batch), '--out', dir, '--as', 'bench-maker'];
  const ran = await runMeasured(process.execPath, [join(root, 'src', 'main.ts'), ...command], world.env(url));
  const printed = await countCards(join(dir, `batch-${batch}.csv.age`), identity);
  rmSync(dir, { recursive: true });
  const verified = await world.finish(name, {});
  const line = `${printed} cards in a print file of ${count}`;
  return { ...ran, verified: { ok: verified.ok && printed === count, lines: [line, ...verified.lines] } };
}

/** Asked for by one and approved by another, as every batch is. */
function draft(bench: Bench, url: string, asked: { count: number; recipient: string }): Promise<bigint> {
  return bench.world.onPlatform(url, async ({ batches, approvals, clock }) => {
    const drafted = await batches.create({
      operator: 'kcell',
      values: [{ unit: 'KZT', amount: 100_000n, validDays: undefined }],
      count: asked.count,
      expiresAt: new Date(clock.now().getTime() + YEAR_MS),
      recipients: [asked.recipient],
      note: 'bench',
      maker: 'bench-maker',
    });
    await approvals.vote({ id: drafted.approval, checker: 'bench-checker' });
    return drafted.batch.id;
  });
}

/** What the printer finds in the file. Streamed, so that checking a large file needs no memory either. */
async function countCards(file: string, identity: string): Promise<number> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  // The same class at run time; its types come from two places.
  const encrypted = Readable.toWeb(createReadStream(file)) as unknown as ReadableStream<Uint8Array>;
  let rest = '';
  let cards = 0;
  for await (const chunk of await decrypter.decrypt(encrypted)) {
    const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    cards += lines.filter((line) => CARD.test(line)).length;
  }
  return cards;
}

const CARD = /^\d+,\d{4} \d{4} \d{4} \d{4},/;
