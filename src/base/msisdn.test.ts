import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { formatMsisdn, type Msisdn, maskMsisdn, parseMsisdn, prefixOf } from './msisdn.ts';
import { Refusal } from './refusal.ts';

/** The number, or the code of the refusal; anything else that is thrown fails the test. */
function read(text: string): string {
  try {
    return parseMsisdn(text);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

const here = '77011234567';
const forms: readonly (readonly [form: string, text: string])[] = [
  ['E.164 without plus', '77011234567'],
  ['E.164', '+77011234567'],
  ['grouped 3-3-4', '+7 701 123 4567'],
  ['grouped 3-3-2-2', '+7 701 123 45 67'],
  ['national with trunk 8', '87011234567'],
  ['trunk 8 and brackets', '8 (701) 123-45-67'],
  ['trunk 8 and dashes', '8-701-123-45-67'],
  ['without any prefix', '7011234567'],
  ['without any prefix, spaced', '701 1234567'],
  ['brackets', '+7 (701) 123-45-67'],
  ['brackets without spaces', '+7(701)1234567'],
  ['brackets around four digits', '+7(7011)234567'],
  ['odd groups', '+77 01 1 234 567'],
  ['plus inside brackets', '(+7) 701 123 45 67'],
  ['square brackets', '+7 [701] 1234567'],
  ['full-width brackets', '+7（701）1234567'],
  ['corner brackets', '+7【701】1234567'],
  ['trunk 8 after the country code', '+7 8 701 123 45 67'],
  ['trunk 8 in brackets after the country code', '+7 (8) 701 123 45 67'],
  ['the same without plus', '787011234567'],
  ['international prefix 00', '0077011234567'],
  ['international prefix 00, spaced', '00 7 701 123 45 67'],
  ['international prefix 810', '81077011234567'],
  ['international prefix 8~10', '8~10 7 701 123 45 67'],
  ['tel: link', 'tel:+77011234567'],
  ['tel: link with visual separators', 'tel:+7-701-123-45-67'],
  ['TEL: in capitals', 'TEL:87011234567'],
  ['tel: and a space', 'tel: +7 701 123 45 67'],
  ['tel://', 'tel://+77011234567'],
  ['full-width digits', '７７０１１２３４５６７'],
  ['full-width plus and digits', '＋７７０１１２３４５６７'],
  ['full-width trunk form', '８（７０１）１２３－４５－６７'],
  ['small plus', '\uFE6277011234567'],
  ['Arabic-Indic digits', '٧٧٠١١٢٣٤٥٦٧'],
  ['Arabic-Indic digits with plus', '+٧ ٧٠١ ١٢٣ ٤٥٦٧'],
  ['Persian digits', '۷۷۰۱۱۲۳۴۵۶۷'],
  ['mixed digit sets', '+7 ７０１ ١٢٣ ۴۵67'],
  ['no-break spaces', '+7\u00A0701\u00A0123\u00A04567'],
  ['narrow no-break spaces', '+7\u202F701\u202F123\u202F4567'],
  ['ideographic spaces', '+7\u3000701\u30001234567'],
  ['figure spaces', '+7\u2007701\u20071234567'],
  ['tabs', '8\t701\t1234567'],
  ['line end after the number', '+77011234567\r\n'],
  ['spaces around', '   77011234567  '],
  ['dots', '8.701.123.45.67'],
  ['full-width dots', '8．701．123．45．67'],
  ['Chinese full stops', '701。123。4567'],
  ['middle dots', '701·123·45·67'],
  ['slashes', '8/701/1234567'],
  ['full-width slash', '8／701／1234567'],
  ['backslash', '8\\701\\1234567'],
  ['en dashes', '8–701–123–45–67'],
  ['em dashes', '8—701—123—45—67'],
  ['non-breaking hyphens', '8\u2011701\u2011123\u201145\u201167'],
  ['minus signs', '8\u2212701\u22121234567'],
  ['full-width hyphens', '8－701－1234567'],
  ['katakana long marks', '8ー701ー1234567'],
  ['zero-width spaces', '+7\u200B701\u200B1234567'],
  ['zero-width joiners', '+7701\u200D123\u200C4567'],
  ['byte order mark', '\uFEFF77011234567'],
  ['marks of a copied contact', '\u202A+7 701 123 4567\u202C'],
  ['bidi isolates', '\u2066+77011234567\u2069'],
  ['soft hyphens', '+7701\u00AD123\u00AD4567'],
  ['word joiners', '+7701\u2060123\u20604567'],
  ['sixty-four characters', `${' '.repeat(53)}77011234567`],
];

for (const [form, text] of forms) test(`understood: ${form}`, () => assert.equal(read(text), here));

test('the table holds at least sixty forms', () => assert.ok(forms.length >= 60, String(forms.length)));

const prefixes = ['700', '701', '702', '705', '706', '707', '708', '747', '771', '775', '776', '777', '778'];
for (const prefix of prefixes) {
  test(`served: ${prefix}`, () => {
    for (const text of [`7${prefix}0000000`, `8${prefix}9999999`, `${prefix} 555 55 55`])
      assert.equal(prefixOf(parseMsisdn(text)), prefix);
  });
}

const refused: readonly (readonly [code: string, texts: readonly string[]])[] = [
  [
    'msisdn.not_served',
    ['77601234567', '+7 761 123 45 67', '8 762 1234567', '763 1234567', '77641234567', '8 (785) 123-45-67'],
  ],
  [
    'msisdn.russian',
    [
      '+7 903 123 45 67',
      '8 916 123-45-67',
      '9261234567',
      '79001234567',
      '+79991234567',
      '0079031234567',
      '+7 8 903 1234567',
    ],
  ],
  [
    'msisdn.russian',
    [
      '+7 495 123 45 67',
      '8 (812) 123-45-67',
      '+7 3812 12-34-56',
      '74951234567',
      '+7 863 2123456',
      '９０３１２３４５６７',
    ],
  ],
  [
    'msisdn.landline',
    ['+7 727 250 12 34', '8 (7172) 55-55-55', '7272501234', '+7 7102 12 34 56', '87292123456', '77182123456'],
  ],
  [
    'msisdn.invalid',
    [
      '77031234567',
      '77041234567',
      '77091234567',
      '77721234567',
      '+7 773 1234567',
      '8 774 1234567',
      '779 1234567',
      '77651234567',
    ],
  ],
  [
    'msisdn.invalid',
    ['+7 751 123 4567', '+7 600 123 4567', '+7 000 123 4567', '+7 800 080 1234', '8 808 123 4567', '+7 123 456 7890'],
  ],
  [
    'msisdn.foreign',
    [
      '+86 138 0013 8000',
      '8613800138000',
      '13800138000',
      '+1 202 555 0123',
      '+44 20 7946 0958',
      '0044 20 7946 0958',
      '+996 700 123 456',
    ],
  ],
  [
    'msisdn.foreign',
    [
      '998901234567',
      '+49 30 123456',
      '8 10 86 138 0013 8000',
      '＋８６１３８００１３８０００',
      '+99 7 701 123 45 67',
      '+8613800138000',
    ],
  ],
  [
    'msisdn.invalid',
    [
      '',
      ' ',
      '+',
      '++77011234567',
      '7701123456',
      '770112345678',
      '7701123456:',
      '81012345678',
      '+7701123456',
      '+7701123456789',
      '8701123456',
      '1234567',
    ],
  ],
  [
    'msisdn.invalid',
    [
      'hello',
      '7701123456a',
      'тел. 77011234567',
      '*111#',
      '77011234567#',
      '+7 701 123 45 67 ext 5',
      '7.7011234567e10',
      '-',
      '٧٧',
      '²7011234567',
    ],
  ],
  [
    'msisdn.invalid',
    [
      '7+7011234567',
      '77011234567+',
      '07011234567',
      '+07011234567',
      '+8 701 123 45 67',
      '2501234',
      '4951234567',
      '870112345678',
    ],
  ],
  [
    'msisdn.invalid',
    [
      '７７０１１２３４５６',
      '77011234567, 77021234567',
      '\u0000',
      '\uD83D',
      '77०११२३४५६७',
      'tel:',
      '+1234',
      '+1234567890123456',
    ],
  ],
  ['msisdn.invalid', [`${' '.repeat(54)}77011234567`, '7'.repeat(65), '7'.repeat(1_000_000)]],
];

for (const [code, texts] of refused) {
  for (const text of texts) {
    const shown = text.length > 40 ? `${text.length} characters` : JSON.stringify(text);
    test(`${code}: ${shown}`, () => assert.equal(read(text), code));
  }
}

test('formatted for reading back, for others, and by prefix', () => {
  const msisdn = parseMsisdn('8 (701) 123-45-67');
  assert.equal(formatMsisdn(msisdn), '+7 701 123 4567');
  assert.equal(maskMsisdn(msisdn), '+7 701 ••• 45 67');
  assert.equal(prefixOf(msisdn), '701');
});

test('a refusal never carries the number', () => {
  assert.throws(
    () => parseMsisdn('+7 903 123 45 67'),
    (error) => error instanceof Refusal && !JSON.stringify([error.message, error.details]).includes('903'),
  );
});

const digits = (length: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length }).map((list) => list.join(''));
const msisdns = fc
  .tuple(fc.constantFrom(...prefixes), digits(7))
  .map(([prefix, rest]) => parseMsisdn(`7${prefix}${rest}`));
const starts = fc.constantFrom('+7', '7', '8', '', '007', '8107', '+78', 'tel:+7', '＋7');
const gap = fc.constantFrom('', '', ' ', '-', '\u00A0', '.', '/', '–', '(', ')', '\u200B', ' - ');
const scripts = fc.constantFrom(0x30, 0x0660, 0x06f0, 0xff10);

/** The same number as somebody might write it: any start, any digits, a gap after any digit. */
const written = fc
  .tuple(msisdns, starts, fc.array(gap, { minLength: 10, maxLength: 10 }), scripts)
  .map(([msisdn, start, gaps, zero]) => {
    let text = start;
    for (let at = 1; at < msisdn.length; at += 1) {
      text += (gaps[at - 1] ?? '') + String.fromCharCode(zero + Number(msisdn[at]));
    }
    return { msisdn, text };
  });

test('law: however it is written, it is the same number', () => {
  fc.assert(
    fc.property(written, ({ msisdn, text }) => {
      assert.equal(parseMsisdn(text), msisdn);
      assert.equal(parseMsisdn(formatMsisdn(msisdn)), msisdn);
      assert.equal(parseMsisdn(msisdn), msisdn);
    }),
    { numRuns: 2_000 },
  );
});

test('law: any text is a number we serve or a refusal', () => {
  const nearly = fc.string({ unit: fc.constantFrom(...'+0123456789789 ()-.~tel:７٧\u200B\u202A'), maxLength: 70 });
  const anything = fc.string({ unit: 'binary', maxLength: 70 });
  fc.assert(
    fc.property(fc.oneof(nearly, anything), (text) => {
      assert.match(read(text), /^(?:7(?:70[0-25-8]|747|77[15-8])\d{7}|msisdn\.[a-z_]+)$/);
    }),
    { numRuns: 20_000 },
  );
});

/** What libphonenumber says of the ten digits after +7, in our words; undefined where it knows no such number. */
function theirs(national: string): string | undefined {
  const number = parsePhoneNumberFromString(`+7${national}`);
  if (number?.isValid() !== true) return undefined;
  if (number.country === 'RU') return 'RU';
  return number.getType() === 'MOBILE' ? 'mobile' : number.getType();
}

test('agrees with libphonenumber on which numbers of +7 are Kazakh mobiles', () => {
  const random = fc.sample(digits(10), 5_000);
  // Three random numbers of every prefix: no prefix is left to luck.
  const every = Array.from({ length: 1_000 }, (_, prefix) => String(prefix).padStart(3, '0')).flatMap((prefix) =>
    fc.sample(digits(7), 3).map((rest) => prefix + rest),
  );
  for (const national of [...random, ...every]) {
    const ours = read(`+7${national}`);
    const mobile = ours.startsWith('7') || ours === 'msisdn.not_served';
    assert.equal(mobile, theirs(national) === 'mobile', `+7${national}: ours ${ours}`);
    if (ours === 'msisdn.landline') assert.notEqual(theirs(national), 'RU', `+7${national}`);
  }
});

test('agrees with libphonenumber on every served number, national or international', () => {
  for (const msisdn of fc.sample(msisdns, 5_000) as Msisdn[]) {
    for (const text of [`+${msisdn}`, `8${msisdn.slice(1)}`, msisdn.slice(1)]) {
      const number = parsePhoneNumberFromString(text, 'KZ');
      assert.equal(number?.number, `+${parseMsisdn(text)}`);
      assert.equal(number?.isValid(), true);
      assert.equal(number?.country, 'KZ');
    }
  }
});
