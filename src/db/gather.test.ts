import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gather } from './gather.ts';

/** A table that answers when it is told to, and remembers what it was asked. */
function slowTable(rows: ReadonlyMap<string, number>) {
  const asked: string[][] = [];
  const answers: (() => void)[] = [];
  const read = gather<string, number>((keys) => {
    asked.push([...keys]);
    const { promise, resolve } = Promise.withResolvers<ReadonlyMap<string, number>>();
    answers.push(() => resolve(rows));
    return promise;
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { read, asked, turn, answer: () => answers.shift()?.() };
}

const rows = new Map([
  ['a', 1],
  ['b', 2],
]);

test('reads of one turn share a statement, each key once, each with its own answer', async () => {
  const table = slowTable(rows);
  const all = Promise.all(['a', 'b', 'a', 'none'].map(table.read));
  await table.turn();
  table.answer();
  assert.deepEqual(await all, [1, 2, 1, undefined]);
  assert.deepEqual(table.asked, [['a', 'b', 'none']]);
});

test('reads asked for while one is under way wait for a statement of their own', async () => {
  const table = slowTable(rows);
  const first = table.read('a');
  await table.turn();
  const second = Promise.all([table.read('a'), table.read('b')]);
  await table.turn();
  assert.equal(table.asked.length, 1, 'what was sent before cannot answer what is asked after');
  table.answer();
  assert.equal(await first, 1);
  await table.turn();
  table.answer();
  assert.deepEqual(await second, [1, 2]);
  assert.deepEqual(table.asked, [['a'], ['a', 'b']]);
});

test('a failure reaches those who shared the statement, and the next read starts afresh', async () => {
  let fails = true;
  const read = gather<string, number>(async () => {
    if (fails) throw new Error('away');
    return rows;
  });
  const all = await Promise.allSettled([read('a'), read('b')]);
  assert.deepEqual(
    all.map((one) => one.status),
    ['rejected', 'rejected'],
  );
  fails = false;
  assert.equal(await read('b'), 2);
});
