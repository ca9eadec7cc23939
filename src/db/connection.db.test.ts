import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { Refusal } from '../base/refusal.ts';
import { closeDb, isAlive, openDb, type Row, read, withTx } from './index.ts';

let platform: TestPlatform;
before(async () => {
  platform = await openTestPlatform();
});
after(() => platform.close());

const unavailable = (error: unknown): boolean => error instanceof Refusal && error.code === 'system.unavailable';
const one = { name: 'one', text: 'select 1 as one' };
/** Longer than anybody is willing to wait for it. */
const slow = { name: 'slow', text: 'select pg_sleep(20)', answerMs: 200 };

test('a database that is not there is refused as unavailable, to a read and to a transaction', async () => {
  const db = openDb('postgres://nobody:x@127.0.0.1:1/none');
  await assert.rejects(read(db, one), unavailable);
  await assert.rejects(
    withTx(db, (tx) => tx.rows(one)),
    unavailable,
  );
  await closeDb(db);
});

test('one that takes the call and says nothing is refused too, when the patience for a connection ends', async () => {
  const calls: Socket[] = [];
  const silent = createServer((socket) => calls.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const db = openDb(`postgres://nobody:x@127.0.0.1:${port}/none`);
  await assert.rejects(read(db, one), unavailable);
  for (const call of calls) call.destroy();
  silent.close();
  await closeDb(db);
});

test('one that stops answering in the middle is refused, and its connection is not used again', async () => {
  const { db } = platform;
  await assert.rejects(read(db, slow), unavailable);
  await assert.rejects(
    withTx(db, (tx) => tx.rows(slow)),
    unavailable,
  );
  for (let time = 0; time < 20; time += 1) {
    const rows = await withTx(db, (tx) => tx.rows<Row & { one: number }>(one));
    assert.deepEqual(rows, [{ one: 1 }]);
  }
});

test('any other failure stays what it is', async () => {
  const wrong = { name: 'wrong', text: 'select 1 / 0' };
  await assert.rejects(read(platform.db, wrong), /division by zero/);
  await assert.rejects(
    withTx(platform.db, (tx) => tx.rows(wrong)),
    /division by zero/,
  );
});

// Last, because all of PostgreSQL starts again after it.
test('a server process killed under a transaction costs that transaction alone, and not this process', async () => {
  const { db } = platform;
  const working = withTx(db, async (tx) => {
    const [server] = await tx.rows<Row & { pid: number }>({ name: 'pid', text: 'select pg_backend_pid() as pid' });
    const asleep = tx.rows({ name: 'sleep', text: 'select pg_sleep(10)' });
    process.kill(Number(server?.pid), 'SIGKILL');
    await asleep;
  });
  await assert.rejects(working, unavailable);
  for (let tries = 0; tries < 100 && !(await isAlive(db)); tries += 1) await delay(100);
  assert.deepEqual(await withTx(db, (tx) => tx.rows(one)), [{ one: 1 }]);
});
