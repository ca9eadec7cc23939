import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../base/limits.ts';
import { type Currency, currencyNames } from '../base/money.ts';
import { type RefusalCode, refusals } from '../base/refusal.ts';
import {
  fitsUssd,
  formatDay,
  formatMoment,
  formatMoney,
  formatMoneyPhone,
  formatPrice,
  formatQuantityPhone,
  formatShort,
  languageOf,
  languages,
  refusalText,
  ussdLength,
} from './index.ts';

const NBSP = '\u00a0';

for (const [header, expected] of [
  [undefined, 'en'],
  ['', 'en'],
  ['kk', 'kk'],
  ['kk-KZ,kk;q=0.9,ru;q=0.8', 'kk'],
  ['ru-KZ, en;q=0.5', 'ru'],
  ['ZH-Hant-TW', 'zh'],
  ['de, fr;q=0.9, zh-CN;q=0.2', 'zh'],
  ['en;q=0.1, ru;q=0.9, kk;q=0.9', 'ru'],
  ['de-DE', 'en'],
  ['*', 'en'],
  ['ru;q=0', 'en'],
  ['ru;q=abc, kk;q=0.1', 'kk'],
  [';;;,,,=', 'en'],
  [`${'de,'.repeat(400)}kk`, 'en'],
] as const) {
  test(`Accept-Language ${JSON.stringify(header)?.slice(0, 60)} is answered in ${expected}`, () =>
    assert.equal(languageOf(header), expected));
}

test('tenge are written as each language writes them, tiyn only where there are some', () => {
  assert.deepEqual(
    languages.map((language) => formatMoney('1234567', language)),
    ['₸1,234,567', '₸1,234,567', `1${NBSP}234${NBSP}567${NBSP}₸`, `1${NBSP}234${NBSP}567${NBSP}₸`],
  );
  assert.deepEqual(
    languages.map((language) => formatMoney('1000.50', language)),
    ['₸1,000.50', '₸1,000.50', `1${NBSP}000,50${NBSP}₸`, `1${NBSP}000,50${NBSP}₸`],
  );
});

test('on a phone tenge have plain spaces, and in English stay within GSM-7', () => {
  assert.deepEqual(
    languages.map((language) => formatMoneyPhone('1000.00', language)),
    ['₸1,000', 'KZT 1,000', '1 000 ₸', '1 000 ₸'],
  );
  assert.equal(formatMoneyPhone('-500.00', 'en'), '-KZT 500');
  assert.equal(ussdLength(formatMoneyPhone('1234567.89', 'en')).alphabet, 'gsm7');
});

test('money is never rounded through a float', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 14n - 1n }), (minor) => {
      const text = `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`;
      const shown = formatMoneyPhone(text, 'en').replaceAll(/[^0-9.]/g, '');
      assert.equal(shown.includes('.') ? shown : `${shown}.00`, text);
    }),
  );
});

const prices: readonly (readonly [Currency, ...string[]])[] = [
  ['KZT', '₸1,072', '₸1,072', '1 072 ₸', '1 072 ₸'],
  ['CNY', '¥1,072.00', 'CN¥1,072.00', '1 072,00 CN¥', '1 072,00 CN¥'],
  ['USD', 'US$1,072.00', '$1,072.00', '1 072,00 $', '1 072,00 $'],
  ['EUR', '€1,072.00', '€1,072.00', '1 072,00 €', '1 072,00 €'],
  ['RUB', '₽1,072.00', '₽1,072.00', '1 072,00 ₽', '1 072,00 ₽'],
  ['GBP', '£1,072.00', '£1,072.00', '1 072,00 £', '1 072,00 £'],
  ['KGS', 'KGS 1,072.00', 'KGS 1,072.00', '1 072,00 KGS', '1 072,00 KGS'],
  ['UZS', 'UZS 1,072.00', 'UZS 1,072.00', '1 072,00 UZS', '1 072,00 UZS'],
];

for (const [currency, ...texts] of prices) {
  test(`a price in ${currency} names it to readers of each language: ${texts.join(' · ')}`, () => {
    const shown = languages.map((language) => formatPrice({ currency, amount: '1072.00' }, language));
    assert.deepEqual(
      shown.map((text) => text.replaceAll(NBSP, ' ')),
      texts,
    );
  });
}

test('within a language no two currencies look the same, and cents are never left out or rounded', () => {
  for (const language of languages) {
    const shown = currencyNames.map((currency) => formatPrice({ currency, amount: '0.05' }, language));
    assert.equal(new Set(shown).size, currencyNames.length, shown.join(' '));
    for (const text of shown) assert.match(text, /0[.,]05/);
  }
  assert.equal(formatPrice({ currency: 'USD', amount: '9999999999999.99' }, 'en'), '$9,999,999,999,999.99');
  assert.throws(() => formatPrice({ currency: 'USD', amount: '1e3' }, 'en'), /decimal text/);
});

test('each unit has its words', () => {
  const shown = (unit: Parameters<typeof formatQuantityPhone>[0]['unit'], amount: string) =>
    languages.map((language) => formatQuantityPhone({ unit, amount }, language));
  assert.deepEqual(shown('MB', '10240.000'), ['10,240 MB', '10,240 MB', '10 240 МБ', '10 240 МБ']);
  assert.deepEqual(shown('MB', '0.125'), ['0.125 MB', '0.125 MB', '0,125 МБ', '0,125 МБ']);
  assert.deepEqual(shown('SECOND', '3600'), ['60分钟', '60 min', '60 мин', '60 мин']);
  assert.deepEqual(shown('SECOND', '3569'), ['59:29分钟', '59:29 min', '59:29 мин', '59:29 мин']);
  assert.deepEqual(shown('SMS', '30'), ['30条短信', '30 SMS', '30 SMS', '30 SMS']);
  assert.deepEqual(shown('KZT_BONUS', '200.00'), ['赠送₸200', 'bonus KZT 200', 'бонус 200 ₸', 'бонус 200 ₸']);
});

test('times are those of Astana, at once after midnight there too', () => {
  const at = new Date('2026-11-04T19:05:00Z');
  assert.deepEqual(
    languages.map((language) => formatShort(at, language)),
    ['11月5日 00:05', '5 Nov 00:05', '05.11 00:05', '05.11 00:05'],
  );
  assert.deepEqual(
    languages.map((language) => formatDay(at, language)),
    ['2026年11月5日', '5 Nov 2026', '05.11.26', '05.11.26'],
  );
  assert.deepEqual(
    languages.map((language) => formatMoment(at, language)),
    [
      '2026年11月5日 00:05（阿斯塔纳时间）',
      '5 November 2026 at 00:05 (Astana time)',
      '5 ноября 2026 г. в 00:05 (время Астаны)',
      '2026 ж. 5 қараша, 00:05 (Астана уақыты)',
    ],
  );
});

test('a text counts in GSM-7 until one character asks for UCS-2', () => {
  assert.deepEqual(ussdLength(''), { alphabet: 'gsm7', length: 0 });
  assert.deepEqual(ussdLength('*111#'), { alphabet: 'gsm7', length: 5 });
  assert.deepEqual(ussdLength('@£$¥èéΔΩ\n'), { alphabet: 'gsm7', length: 9 });
  assert.deepEqual(ussdLength('[€]'), { alphabet: 'gsm7', length: 6 });
  assert.deepEqual(ussdLength('`'), { alphabet: 'ucs2', length: 1 });
  assert.deepEqual(ussdLength('₸1'), { alphabet: 'ucs2', length: 2 });
  assert.deepEqual(ussdLength('[Ж]'), { alphabet: 'ucs2', length: 3 });
  assert.deepEqual(ussdLength('a😀'), { alphabet: 'ucs2', length: 3 });
});

test('a limit is met exactly, in either alphabet', () => {
  const limit = { gsm7: 4, ucs2: 2 };
  assert.deepEqual(
    ['abcd', 'abcde', '[[', '[[a', 'жж', 'жжж', '😀'].map((text) => fitsUssd(text, limit)),
    [true, false, true, false, true, false, true],
  );
});

const codes = Object.keys(refusals) as RefusalCode[];

test('every refusal says a whole sentence in every language, whatever its details', () => {
  const details = [
    {},
    { until: '2026-11-05T09:05:00.000Z', max: 20, min: '100.00', retryAfterSeconds: 7 },
    { until: 'nonsense' },
  ];
  for (const code of codes) {
    for (const language of languages) {
      for (const given of details) {
        const shown = code === 'amount.too_large' && 'max' in given ? { ...given, max: '50000.00' } : given;
        const text = refusalText(code, language, shown);
        assert.match(text, /[.。]$/, `${code} in ${language} ends a sentence`);
        assert.doesNotMatch(text, /undefined|NaN|Invalid|[{}]/, `${code} in ${language}`);
      }
    }
  }
});

test('a refusal names the figures it was given, and the rule where it was given none', () => {
  assert.equal(
    refusalText('amount.too_small', 'en', { min: '200.00' }),
    'The smallest top-up is ₸200. Choose a larger amount.',
  );
  assert.match(refusalText('amount.too_small', 'ru', {}), /100\u00a0₸/);
  assert.match(refusalText('voucher.daily_limit', 'kk', {}), new RegExp(` ${limits.redemptionsPerDayMax} `));
  assert.match(
    refusalText('voucher.guess_barred', 'en', { until: '2026-11-05T09:05:00Z' }),
    /5 November 2026 at 14:05 \(Astana time\)/,
  );
  assert.doesNotMatch(refusalText('voucher.guess_barred', 'en', { until: '9999-01-01T00:00:00.000Z' }), /9999/);
});
