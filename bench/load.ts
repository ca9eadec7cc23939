import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { parseKeyFile } from '../src/base/keyring.ts';
import { Secret } from '../src/base/secret.ts';
import { macsOf } from '../src/vouchers/index.ts';
import { answerJob } from './children.ts';
import { pinOf } from './pins.ts';
import { asOwner, copyCards } from './store.ts';

/** Loads a stretch of a batch: cards `from` up to, but not including, `to`. */
export type LoadJob = {
  readonly url: string;
  readonly keyFile: string;
  readonly batch: string;
  readonly firstSerial: string;
  readonly from: number;
  readonly to: number;
};

const ROWS_A_CHUNK = 2_000;

answerJob<LoadJob, { loaded: number }>(async (job) => {
  await asOwner(job.url, async (client) => {
    // A chunk is made when the connection asks for it: memory does not grow with the batch.
    await pipeline(Readable.from(chunks(job), { highWaterMark: 4 }), client.query(copyFrom(copyCards)));
  });
  return { loaded: job.to - job.from };
});

function* chunks(job: LoadJob): Generator<Buffer> {
  const keyring = parseKeyFile(readFileSync(job.keyFile, 'utf8'));
  const firstSerial = Number(job.firstSerial);
  for (let from = job.from; from < job.to; from += ROWS_A_CHUNK) {
    let text = '';
    for (let index = from; index < Math.min(job.to, from + ROWS_A_CHUNK); index += 1) {
      text += `${macsOf(keyring, new Secret(pinOf(index)))[0]}\t${job.batch}\t${firstSerial + index}\n`;
    }
    yield Buffer.from(text);
  }
}
