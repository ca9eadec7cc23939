import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { audit } from '../../src/reports/index.ts';
import { newAgent, say, type TestAgent } from '../support/agents.ts';
import { ended, freePort, startServerProgram } from '../support/kills.ts';
import { newNumber, openTestPlatform } from '../support/platform.ts';

// What a payment network does when the line goes dead in the midst of a payment: it asks the same again until it is told.

const script = fileURLToPath(new URL('dying_server.ts', import.meta.url));
const PAYMENTS = 10;

async function start(dataDir: string, port: number, point: 'before' | 'after' | 'never'): Promise<ChildProcess> {
  return (await startServerProgram({ script, args: [point], dataDir, port })).child;
}

test('killed before a credit, and between credit and answer: the repeat is told, and everything is paid once', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sapar-agent-crash-'));
  const port = await freePort();
  const prepared = await openTestPlatform({ dataDir });
  const agents = [await newAgent(prepared), await newAgent(prepared, { protocol: 'kaspi' })] as const;
  await prepared.close();
  const asked = agents.flatMap((agent, index) =>
    Array.from({ length: PAYMENTS }, (_, nth) => pathOf(agent, index === 0 ? 'osmp' : 'kaspi', nth)),
  );
  const ask = (path: string): Promise<string | undefined> =>
    say(`http://127.0.0.1:${port}`, path).then(
      ({ body }) => body,
      () => undefined,
    );
  try {
    for (const point of ['before', 'after'] as const) {
      const dying = await start(dataDir, port, point);
      const said = await Promise.all(asked.map(ask));
      assert.deepEqual([...new Set(said)], [undefined], `nobody hears anything of a process killed ${point}`);
      await ended(dying);
    }
    const alive = await start(dataDir, port, 'never');
    const first = await Promise.all(asked.map(ask));
    const again = await Promise.all(asked.map(ask));
    assert.deepEqual(again, first);
    for (const body of first)
      assert.match(body ?? '', /<prv_txn>\d+<\/prv_txn>.*<result>0<|"prv_txn_id":"\d+","result":0/);
    alive.kill('SIGTERM');
    await ended(alive);
    await compare(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
});

function pathOf(agent: TestAgent, protocol: string, nth: number): string {
  const account = newNumber().slice(1);
  return `/${protocol}/${agent.name}?command=pay&txn_id=${nth + 1}&txn_date=20261124153000&account=${account}&sum=250`;
}

async function compare(dataDir: string): Promise<void> {
  const platform = await openTestPlatform({ dataDir, keep: true });
  try {
    const [row] = await platform.sql<{ payments: bigint; credits: bigint; before: bigint; sum: bigint }>(
      `select count(*) as payments, count(distinct event) as credits, sum(amount)::bigint as sum,
        count(*) filter (where prv_txn <= ${2 * PAYMENTS}) as before from agent_payment join transfer using (event)`,
    );
    // Those that were credited and not answered have the names they were given then.
    assert.ok((row?.before ?? 0n) > 0n, 'some were credited before the kill');
    assert.deepEqual(
      [row?.payments, row?.credits, row?.sum],
      [BigInt(2 * PAYMENTS), BigInt(2 * PAYMENTS), BigInt(2 * PAYMENTS) * 250_00n],
    );
    assert.deepEqual(
      (await audit(platform.db)).filter(({ ok }) => !ok),
      [],
    );
  } finally {
    await platform.close();
  }
}
