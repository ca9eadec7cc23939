import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { pdfFonts, pdfInfo, pdfText } from '../../test/support/pdf.ts';
import { paymentReceipt, refundReceipt } from '../../test/support/receipts.ts';
import { present } from '../base/assert.ts';
import { currencyNames } from '../base/money.ts';
import { languages } from '../i18n/index.ts';
import { bankName } from '../rates/index.ts';
import { priceOf } from '../topups/quote.ts';
import { runsOf } from './fonts.ts';
import { type ReceiptRow, type ReceiptText, receiptText, refundReference } from './receipt.ts';
import { drawReceipt } from './receipt_page.ts';

/** Texts break where lines end and are spaced as letters are: neither counts. */
const bare = (text: string): string => text.replace(/\s/g, '');

const documents = languages.flatMap((language) => [
  { name: `receipt in ${language}`, data: paymentReceipt(language) },
  { name: `refund document in ${language}`, data: refundReceipt(language) },
]);

for (const { name, data } of documents) {
  test(`another program reads every word of a ${name}, and of its Russian`, async () => {
    const file = await drawReceipt(data);
    const read = bare(pdfText(file));
    for (const language of new Set([data.language, 'ru'] as const)) {
      const { title, sections, rows, notes } = receiptText(data, language);
      const used = Object.entries(sections).filter(([section]) => rows.some((row) => row.section === section));
      // A letterhead needs no words to say what it is.
      const labels = rows.filter(({ name: row }) => row !== 'seller' && row !== 'contact').map(({ label }) => label);
      const words = [title, ...notes, ...used.map(([, heading]) => heading), ...labels];
      const isFirst = language === data.language;
      for (const row of rows) if (isFirst || row.kind === 'words') words.push(...row.value.split('\n'));
      for (const text of words) assert.ok(read.includes(bare(text)), `${name} says: ${text}`);
    }
    assert.ok(!read.includes('\ufffd'), 'no character is missing');
  });

  test(`a ${name} is one page, tagged, in its language, and holds its fonts`, async () => {
    const file = await drawReceipt(data);
    const info = pdfInfo(file);
    assert.equal(info.get('Pages'), '1');
    assert.equal(info.get('Tagged'), 'yes');
    assert.equal(info.get('Title'), `${receiptText(data, data.language).title} ${data.reference}`);
    assert.match(file.toString('latin1'), new RegExp(`/Lang \\(${data.language}\\)`));
    const fonts = pdfFonts(file);
    assert.ok(fonts.every(({ isWhole }) => isWhole));
    assert.equal(
      fonts.some(({ name }) => name.includes('SC')),
      data.language === 'zh',
      'the Chinese font is there for Chinese',
    );
  });
}

test('the letters of Kazakh, the sign of the tenge and Chinese come out as they went in', async () => {
  const letters = 'ӘҒҚҢӨҰҮҺІ әғқңөұүһі ₸ ₽ € £ ¥ № «» – 充值凭证，话费';
  const receipt = paymentReceipt('kk');
  const file = await drawReceipt({ ...receipt, seller: { name: letters, contact: [] } });
  assert.ok(pdfText(file).includes(letters));
});

test('a letter that is part of another letter in one document can be read in the next', async () => {
  const named = (name: string): Promise<Buffer> =>
    drawReceipt({ ...paymentReceipt('ru'), seller: { name, contact: [] } });
  const composed = 'һ Ө ё й Ң ё é ü ș';
  assert.ok(bare(pdfText(await named(composed))).includes(bare(composed)));
  const parts = 'h O e и H u s ` ´ ¨';
  assert.ok(bare(pdfText(await named(parts))).includes(bare(parts)));
});

test('neither font lacks a character of any text that documents and cards print', () => {
  for (const language of languages) {
    const texts = JSON.parse(readFileSync(new URL(`../../messages/${language}.json`, import.meta.url), 'utf8'));
    for (const [key, text] of Object.entries(texts)) {
      if (!/^(receipt|card|time|unit)_/.test(key)) continue;
      for (const weight of ['regular', 'bold'] as const)
        assert.ok(
          runsOf(String(text), weight).every((run) => !run.text.includes('\ufffd')),
          key,
        );
    }
  }
});

test('what no font can draw is shown to be missing, and the rest stands', async () => {
  const file = await drawReceipt({
    ...paymentReceipt('en'),
    seller: { name: 'Tea 🍵 house\u202e\u0007', contact: [] },
  });
  assert.match(pdfText(file), /Tea \ufffd house\n/);
});

test('a seller with much to say gets more pages, and every line of it is there', async () => {
  const contact = Array.from({ length: 90 }, (_, no) => `line ${no}`);
  const file = await drawReceipt({ ...paymentReceipt('zh'), seller: { name: 'Sapar', contact } });
  assert.equal(pdfInfo(file).get('Pages'), '3');
  const read = pdfText(file);
  for (const line of [...contact, 'SAPAR TOPUP']) assert.ok(read.includes(line), line);
});

test('a word that is wider than the page is cut and not lost', async () => {
  const receipt = paymentReceipt('ru');
  const reference = 'cs_test_'.padEnd(120, 'a1B2c3');
  const file = await drawReceipt({ ...receipt, payment: { ...receipt.payment, reference } });
  assert.ok(bare(pdfText(file)).includes(reference));
});

test('the same data give the same bytes', async () => {
  for (const { data } of documents) assert.deepEqual(await drawReceipt(data), await drawReceipt(data));
});

test('a sandbox receipt says in both languages that no money has moved, and a real one does not', async () => {
  const real = paymentReceipt('en');
  const file = await drawReceipt({ ...real, payment: { ...real.payment, provider: 'sandbox' } });
  assert.match(pdfText(file), /TEST\. No money has moved\.\nТЕСТ\. Деньги не списывались\./);
  assert.equal(pdfInfo(file).get('Pages'), '1');
  assert.doesNotMatch(pdfText(await drawReceipt(real)), /TEST/);
});

test('a full number is never printed', async () => {
  for (const maskedNumber of ['+7 701 123 4567', '77011234567', '+7 701 ••• 4567']) {
    await assert.rejects(drawReceipt(paymentReceipt('en', { maskedNumber })), /masked number/);
  }
});

/** An amount as people read it, in hundredths. */
function minorOf(shown: string): bigint {
  const digits = shown.replace(/[^\d.,]/g, '').replace(/[.,](?=\d{3}(\D|$))/g, '');
  const [whole = '', fraction = ''] = digits.split(/[.,]/);
  return BigInt(whole + fraction.padEnd(2, '0'));
}

function shown(text: ReceiptText, name: string): string {
  return present(
    text.rows.find((row) => row.name === name),
    `there is a row ${name}`,
  ).value;
}

const sumOf = (rows: readonly ReceiptRow[]): bigint => rows.reduce((sum, { value }) => sum + minorOf(value), 0n);

test('the amounts printed add up, in every currency and language', () => {
  const anything = fc.record({
    language: fc.constantFrom(...languages),
    currency: fc.constantFrom(...currencyNames),
    faceMinor: fc.bigInt(1_00n, 50_000_00n),
    microTenge: fc.bigInt(1n, 9_999_999_999n),
    pricing: fc.record({
      feeFixedMinor: fc.bigInt(0n, 500_00n),
      feeBps: fc.bigInt(0n, 900n),
      marginBps: fc.bigInt(0n, 900n),
    }),
  });
  fc.assert(
    fc.property(anything, ({ language, currency, faceMinor, microTenge, pricing }) => {
      const { amountMinor, feeMinor, marginMinor } = priceOf(faceMinor, { currency, microTenge, pricing });
      const micro = String(microTenge).padStart(7, '0');
      const rate = { currency, rate: `${micro.slice(0, -6)}.${micro.slice(-6)}`, day: '2026-11-24', source: 'NBK' };
      const receipt = paymentReceipt(language);
      const text = receiptText(
        {
          ...receipt,
          faceMinor,
          feeMinor,
          marginMinor,
          rates: currency === 'KZT' ? [] : [rate],
          payment: { ...receipt.payment, paid: { currency, amountMinor } },
        },
        language,
      );
      const parts = text.rows.filter((row) => row.kind === 'sum');
      const total = shown(text, currency === 'KZT' ? 'paid' : 'total');
      assert.equal(sumOf(parts), minorOf(total));
      if (currency === 'KZT') return;
      const [, shownRate = ''] = shown(text, 'rate').split(' = ');
      const shownMicro = BigInt(
        shownRate
          .replace(/[^\d.,]/g, '')
          .replace(/,(?=\d{3}[.,])/g, '')
          .replace(/^(\d+)[.,]?(\d*)$/, (_, whole: string, fraction: string) => whole + fraction.padEnd(6, '0')),
      );
      assert.equal(
        (minorOf(shown(text, 'paid')) * shownMicro) / 1_000_000n,
        minorOf(total),
        'paid at the rate printed is the total',
      );
    }),
    { numRuns: 500 },
  );
});

test('what went back and what did not are what was paid', () => {
  const split = fc.tuple(fc.bigInt(0n, 10_000n), fc.bigInt(1n, 10_000n), fc.bigInt(0n, 10_000n));
  fc.assert(
    fc.property(split, fc.constantFrom(...languages), ([before, now, left], language) => {
      const refund = refundReceipt(language);
      const paid = { currency: 'USD', amountMinor: before + now + left } as const;
      const data = {
        ...refund,
        payment: { ...refund.payment, paid },
        amount: { currency: 'USD', amountMinor: now } as const,
        refundedBeforeMinor: before,
      };
      const text = receiptText(data, language);
      assert.equal(sumOf(text.rows.filter((row) => row.kind === 'sum')), minorOf(shown(text, 'paid')));
      assert.equal(minorOf(shown(text, 'refunded')), now);
    }),
  );
});

test('a document whose amounts do not add up is not made', () => {
  assert.throws(
    () => receiptText(paymentReceipt('en', { marginMinor: 18_72n }), 'en'),
    /is worth what it was paid for/,
  );
  assert.throws(() => receiptText(paymentReceipt('en', { rates: [] }), 'en'), /taken at a rate/);
  const tooMuch = { currency: 'CNY', amountMinor: 1242n } as const;
  assert.throws(() => receiptText(refundReceipt('en', { amount: tooMuch }), 'en'), /part of what was paid/);
  const other = { currency: 'USD', amountMinor: 1n } as const;
  assert.throws(() => receiptText(refundReceipt('en', { amount: other }), 'en'), /part of what was paid/);
});

test('what was chosen in one currency and charged in another is shown in both', () => {
  const usd = { currency: 'USD', rate: '519.43', day: '2026-11-24', source: 'NBK' } as const;
  const receipt = paymentReceipt('en');
  const text = receiptText(
    {
      ...receipt,
      feeMinor: 0n,
      marginMinor: 38_86n,
      price: { currency: 'CNY', amountMinor: 1441n },
      rates: [...receipt.rates, usd],
      payment: { ...receipt.payment, provider: 'paypal', paid: { currency: 'USD', amountMinor: 200n } },
    },
    'en',
  );
  const lines = text.rows
    .filter(({ section }) => section === 'amounts')
    .map(({ label, value }) => `${label}: ${value}`);
  assert.deepEqual(lines, [
    'Phone gets: ₸1,000',
    'Fee: ₸0',
    'Exchange margin: ₸38.86',
    'Total in tenge: ₸1,038.86',
    'Exchange rate: 1 USD = ₸519.43',
    'Rate set by: NBK, 24 November 2026',
    'Exchange rate: 1 CNY = ₸72.01345',
    'Rate set by: nationalbank.kz, 24 November 2026',
    'Price in your currency: CN¥14.41',
    'Paid: $2.00',
  ]);
});

test('the bank that set a rate is named in the language of its reader', () => {
  const rates = [{ currency: 'CNY', rate: '72.01345', day: '2026-11-24', source: bankName }] as const;
  const named = languages.map((language) =>
    shown(receiptText(paymentReceipt(language, { rates }), language), 'rate_source'),
  );
  assert.deepEqual(named, [
    '哈萨克斯坦国家银行, 2026年11月24日',
    'National Bank of Kazakhstan, 24 November 2026',
    'Национальный банк Казахстана, 24 ноября 2026 г.',
    'Қазақстан Ұлттық Банкі, 2026 ж. 24 қараша',
  ]);
});

test('what is not known yet is not claimed', () => {
  const underWay = receiptText(paymentReceipt('en', { delivery: { state: 'under_way' } }), 'en');
  assert.equal(shown(underWay, 'delivery'), 'Under way, not delivered yet');
  assert.ok(!underWay.rows.some(({ name }) => name === 'operator_reference'));
  const failed = receiptText(refundReceipt('en', { state: { name: 'failed' } }), 'en');
  assert.equal(shown(failed, 'state'), 'Could not be sent back this way, contact the seller');
  const at = new Date('2026-11-24T20:30:00Z');
  const done = receiptText(refundReceipt('en', { state: { name: 'done', at } }), 'en');
  assert.equal(shown(done, 'state'), '25 November 2026 at 01:30 (Astana time)');
});

test('a refund document has a number of its own, which begins with that of its receipt', () => {
  assert.equal(refundReference({ reference: '7KQ4-M2XD-9RTB' }, 1), '7KQ4-M2XD-9RTB-R1');
  assert.equal(shown(receiptText(refundReceipt('ru'), 'ru'), 'receipt'), '7KQ4-M2XD-9RTB');
});
