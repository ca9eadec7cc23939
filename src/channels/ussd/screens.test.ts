import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitsUssd, type Language, languages, ussdLength } from '../../i18n/index.ts';
import type { Bucket, Movement } from '../../parties/index.ts';
import { networkLimits, osmoLimits, type UssdLimits } from './gateway.ts';
import { type Screen, type Shown, screens, show } from './screens.ts';

/** The widest everyday values: seven digits and tiyn, several buckets, full references, the longest brand and dial code. */
const amount = '1234567.89';
const reference = '7K3M-9Q2P-4TXB';
const at = '2026-11-05T09:05:00.000Z';
const values = [
  { unit: 'KZT', amount },
  { unit: 'MB', amount: '102400.125' },
  { unit: 'SECOND', amount: '36059' },
  { unit: 'SMS', amount: '1000' },
] as const;
const buckets: Bucket[] = [
  { unit: 'KZT', amount, expiresAt: null },
  ...(['KZT_BONUS', 'MB', 'SECOND', 'SMS'] as const).map((unit) => ({
    unit,
    amount: unit === 'SECOND' || unit === 'SMS' ? '100000' : '1234567.89',
    expiresAt: at,
  })),
];
const movements: Movement[] = ['voucher', 'topup', 'credit_expiry', 'transfer', 'voucher'].map((kind, index) => ({
  id: `${index}`,
  reference,
  kind,
  unit: 'KZT',
  amount: kind === 'credit_expiry' ? `-${amount}` : amount,
  at,
}));

/** By type, no screen can be forgotten: a new one does not compile until it is walked. */
const walks: { [Name in keyof typeof screens]: (language: Language) => Screen[] } = {
  main: (l) => [screens.main(l)],
  mainAgain: (l) => [screens.mainAgain(l)],
  more: (l) => [screens.more(l)],
  language: (l) => [screens.language(l)],
  code: (l) => [screens.code(l)],
  codeLength: (l) => [screens.codeLength(l)],
  cancelled: (l) => [screens.cancelled(l)],
  confirm: (l) => [screens.confirm(l, { tail: '3456' })],
  resume: (l) => [screens.resume(l, { tail: '3456' })],
  refused: (l) => [screens.refused(l)],
  credited: (l) =>
    [values.slice(0, 1), values.slice(0, 2), values].map((some) =>
      screens.credited(l, { values: some, balance: amount, reference }),
    ),
  already: (l) => [screens.already(l, { balance: amount, at: new Date(at) })],
  told: (l) => [values.slice(0, 1), values].map((some) => screens.told(l, { values: some, reference })),
  unknown: (l) => [screens.unknown(l)],
  busy: (l) => [screens.busy(l)],
  unavailable: (l) => [screens.unavailable(l)],
  barred: (l) => [screens.barred(l, { until: new Date(at) })],
  barredByStaff: (l) => [screens.barredByStaff(l)],
  dailyLimit: (l) => [screens.dailyLimit(l, { max: '20' })],
  closed: (l) => [screens.closed(l)],
  wrongOperator: (l) =>
    ['*100*{pin}#', '*151*99*{pin}#', undefined].map((code) => screens.wrongOperator(l, { operator: 'Beeline', code })),
  notServed: (l) => [screens.notServed(l)],
  balance: (l) =>
    [buckets.slice(0, 1), buckets.slice(0, 2), buckets].map((some) => screens.balance(l, { buckets: some })),
  noBalance: (l) => [screens.noBalance(l)],
  movements: (l) =>
    [movements.slice(0, 0), movements.slice(0, 1), movements].map((some) => screens.movements(l, { movements: some })),
  help: (l) => [
    screens.help(l, { hotline: '+77270001122', code: '*111*{pin}#' }),
    screens.help(l, { hotline: undefined, code: '*384*12345*{pin}#' }),
  ],
};

/** Screens that carry names of other languages need UCS-2 in English too. */
const withOtherNames = new Set(['main', 'language']);

/** What must be read at once: paging the outcome of a redemption would hide it behind one more step. */
const mustBeWhole = new Set([
  'already',
  'unknown',
  'busy',
  'unavailable',
  'barred',
  'barredByStaff',
  'dailyLimit',
  'closed',
  'notServed',
  'noBalance',
]);

const gateways: readonly (readonly [name: string, limits: UssdLimits])[] = [
  ['a network of 182 and 80', networkLimits],
  ['osmo-hlr', osmoLimits],
];

for (const language of languages) {
  for (const [gateway, limits] of gateways) {
    test(`every screen in ${language} fits ${gateway}, whole or in pages`, () => {
      for (const [name, walk] of Object.entries(walks)) {
        for (const screen of walk(language)) check({ name, language, screen, limits });
      }
    });
  }
}

function check({
  name,
  language,
  screen,
  limits,
}: {
  name: string;
  language: Language;
  screen: Screen;
  limits: UssdLimits;
}): void {
  const shown = show(screen, limits, language);
  const pages = [shown.text, ...shown.rest];
  const say = (text: string): string =>
    `${language} ${name}: ${JSON.stringify(ussdLength(text))} ${JSON.stringify(text)}`;
  pages.forEach((page, index) => {
    const last = index === pages.length - 1;
    const limit = screen.kind === 'final' && last ? limits.final : limits.menu;
    assert.ok(fitsUssd(page, limit), say(page));
    assert.equal(page, page.trim(), say(page));
    assert.doesNotMatch(page, /undefined|NaN|\{(?!pin\})|[\u00a0\u202f]/, say(page));
    if (language === 'en' && !withOtherNames.has(name)) assert.equal(ussdLength(page).alphabet, 'gsm7', say(page));
  });
  assertKind(screen, shown, say(shown.text));
  if (mustBeWhole.has(name)) assert.equal(pages.length, 1, say(shown.text));
  if (screen.kind === 'menu')
    assert.ok(
      screen.versions.some((text) => text === shown.text),
      say(shown.text),
    );
}

function assertKind(screen: Screen, shown: Shown, message: string): void {
  assert.equal(shown.end, screen.kind === 'final' && shown.rest.length === 0, message);
}

test('paging loses nothing but the spaces it breaks at', () => {
  for (const language of languages) {
    for (const screen of [...walks.help(language), ...walks.movements(language), ...walks.balance(language)]) {
      const shown = show(screen, osmoLimits, language);
      const pages = [shown.text, ...shown.rest];
      const next = /\n0 [^\n]+$/;
      const joined = pages.map((page, index) => (index < pages.length - 1 ? page.replace(next, '') : page)).join('');
      assert.equal(joined.replaceAll(/\s/g, ''), String(screen.versions.at(-1)).replaceAll(/\s/g, ''), language);
    }
  }
});

test('a text without a place to break is broken anywhere, and never forever', () => {
  const shown = show({ kind: 'final', versions: ['字'.repeat(300)] }, osmoLimits, 'zh');
  const pages = [shown.text, ...shown.rest];
  for (const page of pages) assert.ok(fitsUssd(page, osmoLimits.menu));
  assert.equal(pages.join('').match(/字/g)?.length, 300);
});

test('the result of an everyday card is one screen with amount, balance and reference, everywhere', () => {
  for (const language of languages) {
    for (const [, limits] of gateways) {
      const shown = show(
        screens.credited(language, { values: values.slice(0, 1), balance: amount, reference }),
        limits,
        language,
      );
      assert.ok(shown.end, `${language}: ${JSON.stringify(shown)}`);
      assert.match(shown.text, new RegExp(reference));
      assert.equal(shown.text.match(/1.234.567.89/g)?.length, 2, shown.text);
    }
  }
});

test('the language switch is on the first screen in its own names', () => {
  for (const language of languages) assert.match(show(screens.main(language), osmoLimits, language).text, /\n9 /);
  const list = show(screens.language('en'), osmoLimits, 'en').text;
  assert.equal(list, '1 中文\n2 English\n3 Русский\n4 Қазақша');
});
