import pino from 'pino';
import { openPlatform } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

/** `node bench/generate.ts BATCH DIR`: makes the cards of an approved batch and their print file, from a cold start to the end. */
const [batch = '', dir = ''] = process.argv.slice(2);
const platform = await openPlatform(readConfig(process.env), { log: pino({ level: 'warn' }, pino.destination(2)) });
await platform.batches.generate({ batch: BigInt(batch), dir, actor: 'bench-maker' });
await platform.close();
