import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { stringify } from 'yaml';
import { createUssdEngine } from '../../src/channels/ussd/index.ts';
import { readGatewayFile } from '../../src/gateway_file.ts';
import type { Counted } from '../../src/gateways/index.ts';
import { type Gateways, openGateways } from '../../src/gateways.ts';
import type { EsmeTimings } from '../../src/wire/smpp/index.ts';
import type { TestPlatform } from './platform.ts';

export type TestGateways = Gateways & {
  readonly counted: Counted[];
  readonly errors: unknown[];
  readonly traced: string[];
};

/** Waits that a test has the time for. */
const timings: Partial<EsmeTimings> = {
  connectMs: 500,
  bindMs: 500,
  enquireMs: 200,
  enquireAnswerMs: 200,
  answerMs: 1_000,
  unbindMs: 500,
  reconnectMsMin: 50,
  reconnectMsMax: 200,
  throttleMsMin: 20,
  throttleMsMax: 200,
};

let files = 0;

/** The links of these rows, as a process opens them from its file. */
export async function openTestGateways(
  platform: TestPlatform,
  rows: Record<string, readonly object[]>,
  options: { timings?: Partial<EsmeTimings>; trace?: string } = {},
): Promise<TestGateways> {
  files += 1;
  const path = join(platform.dataDir, `gateways-${files}.yaml`);
  writeFileSync(path, stringify(rows));
  chmodSync(path, 0o600);
  const counted: Counted[] = [];
  const errors: unknown[] = [];
  const traced: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void traced.push(line) });
  const gateways = await openGateways({
    file: readGatewayFile({ SAPAR_GATEWAYS: path }, platform.catalogue),
    platform: { ...platform, config: { ...platform.config, env: { SAPAR_WIRE_TRACE: options.trace } } },
    engine: createUssdEngine({ ...platform, onError: (error) => errors.push(error) }),
    log,
    onCount: (one) => counted.push(one),
    timings: { ...timings, ...options.timings },
  });
  return { ...gateways, counted, errors, traced };
}

/** Looks again and again until it is so, and fails when it does not become so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`it did not become so: ${what}`);
    await delay(10);
  }
}
