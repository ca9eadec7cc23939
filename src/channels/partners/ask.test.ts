import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AgentSettings, settingsFor } from '../../parties/index.ts';
import { readAsk } from './ask.ts';
import { readParameters } from './parameters.ts';

const settings = settingsFor('osmp');
const pay = 'command=pay&txn_id=1234567&txn_date=20261124153000&account=7011234567&sum=200.45';
const ask = (text: string, changed: Partial<AgentSettings> = {}) => readAsk(text, 20, { ...settings, ...changed });
const refusal = (text: string, changed?: Partial<AgentSettings>): string | undefined =>
  ask(text, changed).refusal?.code;

test('a payment is read: its name, its day by the clock of Astana, number and sum', () => {
  assert.deepEqual(ask(pay), {
    command: 'pay',
    txnId: '1234567',
    txnDate: new Date('2026-11-24T10:30:00Z'),
    account: '77011234567',
    amountMinor: 200_45n,
    refusal: undefined,
  });
  assert.equal(
    ask(pay, { zoneMinutes: 180 }).txnDate?.toISOString(),
    '2026-11-24T12:30:00.000Z',
    'by the clock of Moscow',
  );
});

test('the order of parameters is free, and those nobody knows are ignored, in whatever encoding', () => {
  const shuffled = pay.split('&').reverse().join('&');
  assert.deepEqual(ask(shuffled), ask(pay));
  assert.deepEqual(ask(`${pay}&data1=%CF%F0%E8%E2%E5%F2&trm_id=7&ccy=KZT&=&&%&data1=again`), ask(pay));
});

const accounts = `
  7011234567     77011234567
  77011234567    77011234567
  87011234567    77011234567
  %2B77011234567 77011234567
  +77011234567   77011234567
  701123456      account.format
  70112345678    msisdn.invalid
  60112345678    account.format
  701-123-45-67  account.format
  %2B7011234567  account.format
  +87011234567   account.format
  7011234567%20  account.format
  701123456７    account.format
  abc            account.format
                 account.format
  9161234567     msisdn.russian
  7172123456     msisdn.landline
  7851234567     msisdn.not_served
  7991234567     msisdn.invalid`;
for (const line of accounts.trim().split('\n')) {
  const [written = '', expected = ''] = line.trim().includes(' ') ? line.trim().split(/ +/) : ['', line.trim()];
  test(`the account '${written}' is ${expected}`, () => {
    const read = ask(
      pay.replace('account=7011234567', `account=${encodeURI(decodeURI(written)).replaceAll('%252B', '%2B')}`),
    );
    assert.equal(typeof read.account === 'string' ? read.account : read.refusal?.code, expected);
  });
}

test('a form of account that was not agreed on is a wrong format, although we could read it', () => {
  assert.equal(refusal(pay, { accountForms: ['national'] }), undefined);
  assert.equal(refusal(pay.replace('7011234567', '77011234567'), { accountForms: ['national'] }), 'account.format');
  assert.equal(refusal(pay, { accountForms: ['seven', 'eight', 'plus'] }), 'account.format');
});

const sums = `
  100      100.00
  100.4    100.40
  100.45   100.45
  100.4500 100.45
  50000.00 50000.00
  99.99    amount.too_small
  0        amount.too_small
  50000.01 amount.too_large
  100.455  amount.invalid
  100,45   amount.invalid
  -100     amount.invalid
  1e5      amount.invalid
  .5       amount.invalid
  100.     amount.invalid
  9999999999999 amount.invalid
  100%00   amount.invalid`;
for (const line of sums.trim().split('\n')) {
  const [written = '', expected = ''] = line.trim().split(/ +/);
  test(`the sum ${written} is ${expected}`, () => {
    const read = ask(pay.replace('200.45', written));
    const minor = expected.includes('amount') ? undefined : BigInt(expected.replace('.', ''));
    if (minor === undefined) assert.equal(read.refusal?.code, expected);
    else assert.deepEqual([read.amountMinor, read.refusal], [minor, undefined]);
  });
}

test("the sum of a check is looked at only where it is the one that will be paid, and an agent's own bounds hold", () => {
  const check = 'command=check&txn_id=1&account=7011234567&sum=1.00';
  assert.equal(refusal(check), 'amount.too_small');
  assert.equal(refusal(check, { checkSum: false }), undefined);
  assert.equal(refusal('command=check&txn_id=1&account=7011234567', { checkSum: false }), undefined);
  assert.equal(refusal(pay, { sumMinorMin: 500_00n }), 'amount.too_small');
  assert.equal(
    refusal(pay, { sumMinorMax: 200_00n, checkSum: false }),
    'amount.too_large',
    'a payment is never a dummy',
  );
});

test('what is said twice, cannot be decoded, or is no name, no date, no command is not a request', () => {
  for (const wrong of [
    `${pay}&sum=200.45`,
    `${pay}&account=7017654321`,
    `${pay}&%61ccount=7011234567`,
    `${pay}&command=pay`,
    pay.replace('account=7011234567', 'account=%ZZ'),
    pay.replace('account=7011234567', 'account=%CF'),
    pay.replace('sum=200.45', 'sum=%'),
    pay.replace('20261124153000', '20260230153000'),
    pay.replace('20261124153000', '20261124240000'),
    pay.replace('20261124153000', '2026112415300'),
    pay.replace('&txn_date=20261124153000', ''),
    pay.replace('1234567&', '&'),
    pay.replace('txn_id=1234567', 'txn_id=12a'),
    pay.replace('txn_id=1234567', 'txn_id=123456789012345678901'),
    pay.replace('command=pay', 'command=PAY'),
    pay.replace('command=pay', 'command=cancel'),
    '',
  ])
    assert.equal(refusal(wrong), 'request.invalid', wrong);
});

test('what was encoded is read as it was, and the names are found among anything', () => {
  const word = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(word, word), { selector: ([name]) => name, maxLength: 8 }), (pairs) => {
      const text = new URLSearchParams(pairs).toString();
      const { values, defects } = readParameters(text, new Set(pairs.map(([name]) => name)));
      // An empty text holds one pair without a name.
      const expected = pairs.length === 0 ? [] : pairs;
      assert.deepEqual([...values], expected);
      assert.equal(defects.size, 0);
    }),
  );
});
