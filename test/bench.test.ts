import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, test } from 'node:test';
import { chartOf } from '../bench/chart.ts';
import { arrivals, type Caller, closedLoop, openLoop, seeded } from '../bench/driver.ts';
import { nthPlace, pinOf } from '../bench/pins.ts';
import { type Report, tableOf, withFigures } from '../bench/report.ts';
import { interleave, median, rowOf, type Sample } from '../bench/rows.ts';
import { callers } from '../bench/shapes.ts';

/** Answers at once, but lets nobody through for STALL_MS, once, STALL_AT_MS after the first request. */
const STALL_AT_MS = 200;
const STALL_MS = 400;

let server: Server;
let port = 0;
let firstAt: number | undefined;
let answered = 0;

before(async () => {
  server = createServer((request, response) => {
    firstAt ??= performance.now();
    const since = performance.now() - firstAt;
    const waitMs = since >= STALL_AT_MS && since < STALL_AT_MS + STALL_MS ? STALL_AT_MS + STALL_MS - since : 0;
    request.resume();
    request.on('end', () => {
      setTimeout(() => {
        answered += 1;
        const status = request.url === '/broken' ? 500 : 200;
        response.writeHead(status, { 'content-type': 'text/plain', 'content-length': '2' });
        response.end('ok');
      }, waitMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

after(() => server.close());

function asking(path: string): () => Caller {
  return () => ({
    opening: `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
    reply: ({ status, body }) => (status === 200 && body === 'ok' ? 'done' : 'failed'),
  });
}

test('callers are due as a Poisson process of the rate that was asked for', () => {
  const due = [...arrivals({ rate: 1_000, seconds: 20, chance: seeded(7) })];
  assert.ok(Math.abs(due.length - 20_000) < 4 * Math.sqrt(20_000), `${due.length} callers`);
  const gaps = due.slice(1).map((at, index) => at - (due[index] ?? 0));
  assert.ok(gaps.every((gap) => gap > 0));
  assert.ok((due[0] ?? -1) >= 0 && (due.at(-1) ?? Infinity) < 20_000);
  // Exponential gaps: their deviation is their mean, and as many as 1/e are longer than it.
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  assert.ok(Math.abs(mean - 1) < 0.05 && Math.abs(deviation - 1) < 0.05, `mean ${mean}, deviation ${deviation}`);
  const longer = gaps.filter((gap) => gap > mean).length / gaps.length;
  assert.ok(Math.abs(longer - 1 / Math.E) < 0.02, `${longer}`);
});

test('the same seed makes the same schedule, another seed another', () => {
  const plan = (seed: number): number[] => [...arrivals({ rate: 50, seconds: 2, chance: seeded(seed) })];
  assert.deepEqual(plan(1), plan(1));
  assert.notDeepEqual(plan(1), plan(2));
});

test('an open loop charges a stall to everybody who came during it, a closed loop to nobody but those in it', async () => {
  const begin = asking('/');
  firstAt = undefined;
  const open = await openLoop({ port, rate: 500, seconds: 1, seed: 3, linesMax: 512, begin });
  firstAt = undefined;
  const closed = await closedLoop({ port, callers: 1, seconds: 1, begin });
  assert.deepEqual(open.failures, {});
  assert.equal(open.done, open.begun);
  assert.ok(Math.abs((open.offered ?? 0) - 500) < 100, `offered ${open.offered}`);
  // Two in five came while nothing was let through: so much of the distribution must show it.
  assert.ok(open.latency.p90 > STALL_MS / 2, `open loop p90 ${open.latency.p90} ms`);
  assert.ok(open.latency.p50 < STALL_MS / 2, `open loop p50 ${open.latency.p50} ms`);
  // The one closed-loop caller waited once and stopped asking meanwhile: nearly all it saw looks fast. This is coordinated omission.
  assert.ok(closed.latency.p90 < STALL_MS / 4, `closed loop p90 ${closed.latency.p90} ms`);
  assert.ok(closed.latency.max > STALL_MS / 2, `closed loop max ${closed.latency.max} ms`);
});

test('waiting for a free connection is part of the time that is measured', async () => {
  firstAt = performance.now() - 10_000;
  const enough = await openLoop({ port, rate: 300, seconds: 0.5, seed: 5, linesMax: 64, begin: asking('/') });
  firstAt = performance.now() - STALL_AT_MS;
  const one = await openLoop({ port, rate: 300, seconds: 0.5, seed: 5, linesMax: 1, begin: asking('/') });
  assert.equal(one.done, one.begun);
  assert.equal(one.begun, enough.begun);
  assert.ok(one.latency.p50 > enough.latency.p50 + 20, `one line p50 ${one.latency.p50}, many ${enough.latency.p50}`);
});

test('what fails is counted as failed, with its reason, and not as done', async () => {
  firstAt = performance.now() - 10_000;
  const broken = await openLoop({ port, rate: 100, seconds: 0.3, seed: 9, linesMax: 8, begin: asking('/broken') });
  assert.equal(broken.done, 0);
  assert.deepEqual(broken.failures, { 'status 500': broken.begun });
  const nobody = await openLoop({ port: 1, rate: 100, seconds: 0.1, seed: 9, linesMax: 8, begin: asking('/') });
  assert.deepEqual(nobody.failures, { 'connection closed': nobody.begun });
});

test('a closed loop answers exactly those it began', async () => {
  firstAt = performance.now() - 10_000;
  const before = answered;
  const run = await closedLoop({ port, callers: 5, seconds: 0.3, begin: asking('/') });
  assert.equal(run.done, run.begun);
  assert.equal(answered - before, run.begun);
  assert.ok(run.achieved > 0 && run.achieved * 0.3 <= run.done);
});

test('a dialogue dials, types its card and says yes, and fails on any other screen', () => {
  const begin = callers({
    kind: 'ussd',
    path: '/gateway',
    serviceCode: '*111#',
    salt: 's',
    pins: ['1234567890123456'],
    firstNumber: 77_010_000_000,
  });
  const caller = begin(0);
  assert.match(caller.opening, /^POST \/gateway HTTP\/1\.1\r\n/);
  assert.match(caller.opening, /phoneNumber=%2B77010000000&.*text=$/);
  const second = caller.reply({ status: 200, body: 'CON code?' });
  assert.ok(typeof second === 'object' && /text=1234567890123456$/.test(second.ask));
  const third = caller.reply({ status: 200, body: 'CON sure?' });
  assert.ok(typeof third === 'object' && /text=1234567890123456\*1$/.test(third.ask));
  assert.equal(caller.reply({ status: 200, body: 'END credited' }), 'done');
  assert.equal(begin(0).reply({ status: 200, body: 'END sorry' }), 'failed');
  assert.throws(() => begin(1), /more cards/);
});

test('a top-up has a key of its own, and its length is what it says', () => {
  const begin = callers({ kind: 'topup', tokens: ['a', 'b'], salt: 's', firstNumber: 77_010_000_000, numbers: 100 });
  const requests = Array.from({ length: 100 }, (_, nth) => begin(nth).opening);
  assert.equal(new Set(requests.map((text) => /Idempotency-Key: (\S+)/.exec(text)?.[1])).size, 100);
  assert.equal(new Set(requests.map((text) => /"msisdn":"(\d+)"/.exec(text)?.[1])).size, 100);
  for (const text of requests) {
    const [head = '', body = ''] = text.split('\r\n\r\n');
    assert.equal(Number(/Content-Length: (\d+)/.exec(head)?.[1]), Buffer.byteLength(body));
    assert.doesNotThrow(() => JSON.parse(body));
  }
});

test('card codes are sixteen digits, all different, and each is presented once', () => {
  const count = 100_000;
  const pins = new Set<string>();
  const places = new Set<number>();
  for (let nth = 0; nth < count; nth += 1) {
    pins.add(pinOf(nth));
    places.add(nthPlace(nth, count));
  }
  assert.equal(pins.size, count);
  assert.equal(places.size, count);
  assert.ok([...pins].every((pin) => /^\d{16}$/.test(pin)));
  assert.match(pinOf(9_999_999), /^\d{16}$/);
});

test('rounds go to and fro, so that drift falls on all alike', async () => {
  const order: string[] = [];
  const run = (name: string) => async (): Promise<Sample> => {
    order.push(name);
    return { rate: order.length };
  };
  const samples = await interleave(3, { a: run('a'), b: run('b') });
  assert.deepEqual(order, ['a', 'b', 'b', 'a', 'a', 'b']);
  assert.deepEqual(
    samples.a?.map(({ rate }) => rate),
    [1, 4, 5],
  );
});

test('a figure passes at its mark and not below it', () => {
  const samples = [{ rate: 90 }, { rate: 100 }, { rate: 300 }];
  const row = (atLeast: number) => rowOf({ name: 'x', what: 'x', samples, mark: { of: 'value', atLeast } });
  assert.deepEqual([row(100).value, row(100).pass, row(101).pass], [100, true, false]);
  const slow = (value: number) =>
    rowOf({ name: 'x', what: 'x', unit: 'ms', value, mark: { of: 'value', atMost: 100 } }).pass;
  assert.deepEqual([slow(100), slow(101)], [true, false]);
  const ratio = rowOf({
    name: 'x',
    what: 'x',
    samples,
    against: { name: 'y', value: 200 },
    mark: { of: 'ratio', atLeast: 0.5 },
  });
  assert.deepEqual([ratio.ratio, ratio.pass, ratio.mark], [0.5, true, 'ratio ≥ 0.5']);
  const nothing = rowOf({
    name: 'x',
    what: 'x',
    samples,
    against: { name: 'y', value: undefined },
    mark: { of: 'ratio', atLeast: 0.5 },
  });
  assert.deepEqual([nothing.ratio, nothing.pass], [null, false]);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('a report is a table, a picture and a passage of the document', () => {
  const report: Report = {
    at: '2026-01-03T00:00:00.000Z',
    machine: { cpu: 'a <fast> one', cores: 2, memoryGb: 8, system: 'linux', node: 'v24', flushMs: 0.5 },
    settings: { server_version: '18' },
    results: [
      rowOf({
        name: 'topups',
        what: 'POST /v1/topups',
        samples: [{ rate: 7_000, p50: 20, p99: 30 }],
        against: { name: 'pgbench -N', value: 3_500 },
        mark: { of: 'value', atLeast: 6_000 },
      }),
    ],
    verified: {},
  };
  assert.match(tableOf(report.results), /pass {2}POST \/v1\/topups {2}7,000\/s/);
  const chart = chartOf(report);
  assert.match(chart, /^<svg /);
  assert.doesNotMatch(chart, /<fast>|NaN|undefined/);
  assert.throws(() => withFigures('no place for them', ''), /benchmarks\.md/);
});
