import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { uuidOf } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { type Asked, createFormats } from './formats.ts';
import { type Knowledge, readLines, type Survey, surveyReport } from './read.ts';
import type { Line, Source } from './report.ts';

const root = mkdtempSync(join(tmpdir(), 'sapar-reports-test-'));
after(() => rmSync(root, { recursive: true, force: true }));

const index = uuidOf('5'.repeat(32));
const formats = createFormats(() => index);
const nothing: Knowledge = { period: undefined, zoneMinutes: undefined, order: undefined };
const samples = fileURLToPath(new URL('../../test/reports/', import.meta.url));
const sample = (name: string): string => readFileSync(join(samples, `${name}.csv`), 'utf8');

type How = Partial<Knowledge> & { layout?: Asked };

async function read(
  source: Source,
  content: string | Buffer,
  how: How = {},
): Promise<{ id: string; lines: Line[]; survey: Survey }> {
  const path = join(root, 'report.csv');
  writeFileSync(path, content);
  const { layout, ...known } = how;
  const { reading, survey } = await surveyReport(path, formats.candidates(source, layout), { ...nothing, ...known });
  const lines: Line[] = [];
  for await (const line of readLines(reading)) lines.push(line);
  return { id: reading.format.id, lines, survey };
}

/** Why not, and where: `not an amount @3 gross`. */
async function why(source: Source, content: string | Buffer, how: How = {}): Promise<string> {
  try {
    await read(source, content, how);
    return 'it was read';
  } catch (error) {
    assert.ok(error instanceof Refusal && error.code === 'report.invalid', String(error));
    const { reason, line, column } = error.details;
    return [reason, line === undefined ? undefined : `@${line}`, column].filter((part) => part !== undefined).join(' ');
  }
}

const known: [Source, string, string, number][] = [
  ['stripe', 'stripe-activity', 'stripe.activity', 6],
  ['stripe', 'stripe-dashboard', 'stripe.activity', 6],
  ['stripe', 'stripe-payouts', 'stripe.payouts', 1],
  ['paypal', 'paypal-activity', 'paypal.activity', 6],
  ['paypal', 'paypal-settlement', 'paypal.settlement', 5],
  ['osmp', 'osmp-register', 'osmp.register', 4],
  ['osmp', 'osmp-qiwi', 'osmp.qiwi', 2],
  ['dtone', 'dtone-transactions', 'dtone.transactions', 2],
  ['reloadly', 'reloadly-transactions', 'reloadly.transactions', 3],
];
for (const [source, name, id, rows] of known) {
  test(`${name}.csv is known as ${id} by what it shows`, async () => {
    const found = await read(source, sample(name));
    assert.equal(found.id, id);
    assert.equal(found.survey.rows, rows);
    assert.equal(found.lines.length, rows);
  });
  test(`${name}.csv keeps nothing that names a person`, async () => {
    const { lines } = await read(source, sample(name));
    const text = JSON.stringify(lines, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    assert.doesNotMatch(text, /Li Na|Aigul|example\.com|7011234567|7017654321|5556677|555-66-77|7470000000/);
  });
}

test('the two names of Stripe’s columns say the same', async () => {
  const [report, dashboard] = [
    await read('stripe', sample('stripe-activity')),
    await read('stripe', sample('stripe-dashboard')),
  ];
  const said = ({ lines }: { lines: Line[] }): unknown[] =>
    lines
      .slice(0, 1)
      .map(({ kind, state, amount, grossMinor, feeMinor }) => ({ kind, state, amount, grossMinor, feeMinor }));
  assert.deepEqual(said(report), said(dashboard));
  assert.deepEqual(
    dashboard.lines.map(({ kind, state }) => `${kind} ${state}`),
    ['payment done', 'refund done', 'dispute done', 'dispute reversed', 'fee done', 'payout done'],
  );
});

test('a payment that Stripe settles in dollars is compared in what the payer saw', async () => {
  const { lines } = await read('stripe', sample('stripe-activity'));
  assert.deepEqual(lines[1]?.amount, { currency: 'CNY', minor: 148_50n });
  assert.equal(lines[1]?.currency, 'USD');
});

test('a settlement report names its own days, also across a change of the clock, and writes yen in hundredths', async () => {
  const { survey, lines } = await read('paypal', sample('paypal-settlement'));
  assert.equal(survey.period.from.toISOString(), '2026-11-01T07:00:00.000Z');
  assert.equal(survey.period.to.toISOString(), '2026-11-02T08:00:00.000Z');
  assert.deepEqual(lines[2]?.amount, { currency: 'JPY', minor: 1_000n });
  assert.equal(lines[4]?.feeMinor, 20_00n);
});

test('a register’s own sums are checked', async () => {
  const text = sample('osmp-qiwi');
  assert.equal(await why('osmp', text.replace('Total:\t2', 'Total:\t3')), 'its own count is another @3');
  assert.equal(await why('osmp', text.replace('3500.00', '3500.01')), 'its own sum is another @3');
  assert.equal(await why('osmp', text.slice(0, text.indexOf('Total'))), 'cut short @2');
  assert.equal(
    await why('osmp', `${text}700000000000000013\t01.11.2026\t07:12:40\t7017654321\t2500.00\r\n`),
    'goes on after its end @4',
  );
});

test('what is not that report is refused with the line and the column', async () => {
  const stripe = sample('stripe-activity');
  const cases: [Source, string | Buffer, string][] = [
    ['stripe', stripe.replace('customer_facing_amount', 'amount_seen'), 'missing column @1 customer_facing_amount'],
    ['stripe', 'Hello', 'missing column @1 balance_transaction_id'],
    ['stripe', '', 'empty'],
    ['stripe', stripe.replace('10.12,0.59', 'ten,0.59'), 'not an amount @2 gross'],
    ['stripe', stripe.replace('21.00,0.91,20.09', '21.00,0.91,20.10'), 'does not add up @3 net'],
    ['stripe', stripe.replace('2026-11-02 14:00:05', '2026-11-32 14:00:05'), 'not a date @3 created_utc'],
    ['stripe', stripe.replace(',usd,21.00', ',dollars,21.00'), 'not a currency @3 currency'],
    ['stripe', stripe.replace('txn_3Q0aaa0000000002', ''), 'empty @3 balance_transaction_id'],
    ['stripe', stripe.replace('txn_3Q0aaa0000000002', 'txn 2'), 'not an id @3 balance_transaction_id'],
    ['stripe', stripe.slice(0, stripe.lastIndexOf(',,,,')), 'wrong number of columns @7'],
    ['stripe', stripe.slice(0, stripe.indexOf('two numbers') + 3), 'cut short @3'],
    ['stripe', stripe.replace('Mobile top-up 7KQ4', 'Mobile "top-up 7KQ4'), 'a quotation mark out of place @2'],
    ['stripe', Buffer.from(stripe, 'utf16le'), 'not UTF-8 @1'],
    ['stripe', Buffer.from(stripe.replace('Mobile top-up,', 'Caf\u00e9,'), 'latin1'), 'not UTF-8 @3'],
    ['stripe', Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), 'not UTF-8 @1'],
    ['stripe', stripe.replace('Mobile top-up,', 'x'.repeat(limits.reportLineBytesMax)), 'too long @3'],
    ['paypal', sample('paypal-activity').replace('"PST","Aigul"', '"CST","Aigul"'), 'unknown time zone @4 TimeZone'],
    [
      'paypal',
      sample('paypal-activity').replace('"Transaction ID"', '"Transaktionscode"'),
      'missing column @1 Transaction ID',
    ],
    ['paypal', sample('paypal-settlement').replace('"SC",5', '"SC",6'), 'its own count is another @11 SC'],
    [
      'paypal',
      sample('paypal-settlement').replace('"DR",100000', '"XX",100000'),
      'unknown word @8 Transaction Debit or Credit',
    ],
    [
      'paypal',
      sample('paypal-settlement').replace('"CR",121050', '"CR",1210.50'),
      'not an amount @5 Gross Transaction Amount',
    ],
    ['osmp', 'a;b;c\n1;2;3\n', 'missing column @1 txn_id'],
    ['osmp', 'txn_id;date;account;sum\n1;2026-11-01;7011234567;\n', 'not an amount @2 sum'],
    ['osmp', 'txn_id;date;account;sum\n;2026-11-01;7011234567;5\n', 'empty @2 txn_id'],
  ];
  for (const [source, content, reason] of cases) assert.equal(await why(source, content), reason);
});

test('a refusal never repeats what stands in the file', async () => {
  const error = await read('osmp', 'txn_id;date;account;sum\n1;77011234567;77011234567;77011234567 x\n').catch(
    (thrown) => thrown,
  );
  assert.ok(error instanceof Refusal);
  assert.doesNotMatch(JSON.stringify([error.details, error.message, error.stack]), /7011234567/);
});

test('a byte order mark, Windows line ends, old Mac line ends and semicolons change nothing', async () => {
  const plain = await read('reloadly', sample('reloadly-transactions'));
  const text = sample('reloadly-transactions');
  for (const other of [
    `\ufeff${text}`,
    text.replaceAll('\n', '\r\n'),
    text.replaceAll('\n', '\r'),
    text.replaceAll(',', ';'),
    text.replaceAll(',', '\t'),
    text.replaceAll('\n', '\n\n'),
    text.trimEnd(),
  ]) {
    const { lines } = await read('reloadly', other);
    assert.deepEqual(
      lines.map((line) => ({ ...line, line: 0 })),
      plain.lines.map((line) => ({ ...line, line: 0 })),
    );
  }
});

test('the order of day and month is taken from the file, or asked for', async () => {
  const head = '"Date","Time","TimeZone","Type","Status","Currency","Gross","Transaction ID"';
  const row = (date: string, id: string): string =>
    `"${date}","10:00:00","CET","Express Checkout Payment","Completed","EUR","9,90","${id}"`;
  const british = await read('paypal', `${head}\n${row('03/11/2026', 'A')}\n${row('13/11/2026', 'B')}\n`);
  assert.equal(british.lines[0]?.at.toISOString(), '2026-11-03T09:00:00.000Z');
  const american = await read('paypal', `${head}\n${row('11/03/2026', 'A')}\n${row('11/13/2026', 'B')}\n`);
  assert.equal(american.lines[0]?.at.toISOString(), '2026-11-03T09:00:00.000Z');
  const german = await read('paypal', `${head}\n${row('03.11.2026', 'A')}\n`);
  assert.equal(german.lines[0]?.at.toISOString(), '2026-11-03T09:00:00.000Z');
  const either = `${head}\n${row('03/11/2026', 'A')}\n`;
  assert.match(await why('paypal', either), /cannot be told apart/);
  assert.equal((await read('paypal', either, { order: 'mdy' })).lines[0]?.at.toISOString(), '2026-03-11T09:00:00.000Z');
  assert.match(await why('paypal', `${head}\n${row('13/11/2026', 'A')}\n${row('11/13/2026', 'B')}\n`), /change places/);
});

test('days that a report was asked for are days by the clock of the file', async () => {
  const days = { period: { from: { day: '2026-11-01' }, to: { day: '2026-11-30' } } };
  const period = async (source: Source, content: string, how: How = {}): Promise<string[]> => {
    const { survey } = await read(source, content, { ...days, ...how });
    return [survey.period.from.toISOString(), survey.period.to.toISOString()];
  };
  assert.deepEqual(await period('stripe', sample('stripe-activity')), [
    '2026-11-01T00:00:00.000Z',
    '2026-12-01T00:00:00.000Z',
  ]);
  const astana = ['2026-10-31T19:00:00.000Z', '2026-11-30T19:00:00.000Z'];
  assert.deepEqual(await period('osmp', sample('osmp-register')), astana);
  assert.deepEqual(await period('stripe', sample('stripe-activity'), { zoneMinutes: 300 }), astana);
  assert.match(await why('paypal', sample('paypal-activity'), days), /say --zone/);
  const backwards = { period: { from: { day: '2026-11-02' }, to: { at: new Date('2026-11-01T00:00:00Z') } } };
  assert.match(await why('osmp', sample('osmp-register'), backwards), /end before it begins/);
});

test('a file without a line covers a time only if somebody says which', async () => {
  const head = 'txn_id;date;account;sum\n';
  assert.equal(await why('osmp', head), 'empty: say --from and --to');
  const period = { from: new Date('2026-11-01T00:00:00Z'), to: new Date('2026-11-02T00:00:00Z') };
  const asked = (from: Date, to: Date) => ({ period: { from: { at: from }, to: { at: to } } });
  assert.deepEqual((await read('osmp', head, asked(period.from, period.to))).survey.period, period);
  assert.equal(
    await why('osmp', sample('osmp-register'), asked(period.to, new Date('2026-12-01'))),
    'no line of it is in that period',
  );
});

const described = {
  columns: { reference: 'Номер', date: ['Дата'], time: 'Время', account: 3, amount: 'Сумма', status: 'Статус' },
  delimiter: ';',
  encoding: 'windows-1251',
  zone: '+03:00',
  states: { Зачислен: 'done' },
  total: 'Итого',
};
const CYRILLIC = 0x350;

test('the layout of a partner is described in a file, in the encoding of the partner', async () => {
  const text =
    'Номер;Дата;Тел;Время;Сумма;Статус\r\n42;01.11.2026;8 701 123 45 67;10:00:00;1 500,50;зачислен\r\nИтого: 1 1500,50\r\n';
  const bytes = Buffer.from(
    [...text].map((letter) => (letter > '\u0400' ? (letter.codePointAt(0) ?? 0) - CYRILLIC : letter.charCodeAt(0))),
  );
  const { lines, id } = await read('osmp', bytes, { layout: { described } });
  assert.equal(id, 'osmp.described');
  assert.equal(lines.length, 1);
  const { reference, amount, state, numberIndex, at } = lines[0] ?? {};
  assert.deepEqual(
    { reference, amount, state, numberIndex },
    { reference: '42', amount: { currency: 'KZT', minor: 1_500_50n }, state: 'done', numberIndex: index },
  );
  assert.equal(at?.toISOString(), '2026-11-01T07:00:00.000Z');
});

test('a layout that says nothing we know is refused by the name of its field', async () => {
  const text = sample('osmp-register');
  const cases: [unknown, RegExp][] = [
    [{}, /^layout /],
    [{ columns: { reference: 0 } }, /^layout columns\.reference/],
    [{ columns: { phone: 'x' } }, /^layout /],
    [{ columns: {}, zone: 'Almaty' }, /^layout zone/],
    [{ columns: {}, currency: 'tenge' }, /^layout currency/],
    [{ columns: {}, states: { ok: 'fine' } }, /^layout states/],
    [{ columns: { amount: 'sum', date: 'date' } }, /^missing column @1 reference/],
    [{ columns: { reference: 1, amount: 9, date: 2 }, header: false }, /^missing column @1 9/],
    ['osmp', /^layout /],
  ];
  for (const [layout, reason] of cases)
    assert.match(await why('osmp', text, { layout: { described: layout } }), reason);
  assert.match(await why('stripe', sample('stripe-activity'), { layout: { described } }), /only registers/);
  assert.match(await why('osmp', text, { layout: { id: 'osmp.other' } }), /no such layout/);
  assert.match(await why('osmp', text, { layout: { id: 'dtone.pending' } }), /no such layout/);
});

test('PayPal’s words mean what they mean in their direction, and an unknown one is not taken for done', async () => {
  const head = 'Date,Time,TimeZone,Type,Status,Currency,Gross,Transaction ID';
  const said = async (type: string, status: string, gross: string): Promise<string> => {
    const { lines } = await read('paypal', `${head}\n2026-11-01,10:00:00,UTC,${type},${status},EUR,${gross},A\n`);
    return `${lines[0]?.kind} ${lines[0]?.state}`;
  };
  for (const [type, status, gross, meaning] of [
    ['Mobile Payment', 'Completed', '5.00', 'payment done'],
    ['Mobile Payment', 'Completed', '-5.00', 'other done'],
    ['Mobile Payment', 'Partially Refunded', '5.00', 'payment done'],
    ['Mobile Payment', 'Denied', '5.00', 'payment failed'],
    ['Mobile Payment', 'Reversed', '5.00', 'payment reversed'],
    ['Mobile Payment', 'Under Some Review', '5.00', 'payment pending'],
    ['Payment Refund', 'Completed', '-5.00', 'refund done'],
    ['Payment Refund', 'Completed', '5.00', 'other done'],
    ['Chargeback', 'Completed', '-5.00', 'dispute done'],
    ['Chargeback Reversal', 'Completed', '5.00', 'dispute reversed'],
    ['General Withdrawal', 'Completed', '-5.00', 'payout done'],
    ['Dispute Fee', 'Completed', '-5.00', 'fee done'],
    ['Payment Hold', 'Completed', '-5.00', 'other done'],
  ] as const)
    assert.equal(await said(type, status, gross), meaning, `${type} ${status} ${gross}`);
});

test('words of operators are taken for what they are, and an unknown one never for done', async () => {
  const state = async (word: string): Promise<string | undefined> =>
    (await read('osmp', `txn_id;date;account;sum;status\n1;2026-11-01;;5;${word}\n`)).lines[0]?.state;
  for (const [word, meaning] of [
    ['0', 'done'],
    ['Проведён', 'done'],
    ['90', 'pending'],
    ['300', 'failed'],
    ['DECLINED-INVALID-CREDIT-PARTY', 'failed'],
    ['REVERSED', 'reversed'],
    ['17', 'pending'],
    ['constructor', 'pending'],
  ] as const)
    assert.equal(await state(word), meaning, word);
  const taken = await read('osmp', 'txn_id;date;account;sum\n1;2026-11-01;;-5\n');
  assert.equal(taken.lines[0]?.state, 'reversed');
});

test('whatever is done to a file, it is read or refused in our words, and nothing of it is repeated', async () => {
  const edit = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), isCut: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...known), fc.array(edit, { minLength: 1, maxLength: 6 }), async (one, edits) => {
      const [source, name] = one;
      let bytes: Buffer = Buffer.from(sample(name));
      for (const { at, byte, isCut } of edits) {
        const place = at % bytes.length;
        const rest = bytes.subarray(isCut ? place + 1 : place);
        bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), rest]);
      }
      const reason = await why(source, bytes);
      assert.doesNotMatch(reason, /7011234567|7017654321|example\.com/);
    }),
    { numRuns: 400 },
  );
});
