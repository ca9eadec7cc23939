import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { isUnit, units } from '../base/money.ts';
import { type Defect, doubles, id, type Pack, parsePack, row, text } from './pack.ts';

const whole = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
const names = Type.Object({ en: text, ru: text, kk: text, zh: text }, { additionalProperties: false });

/** `menu` and `redeem` reach this platform; the others are the operator's own, shown to people as help. */
const purpose = Type.Enum([
  'menu',
  'redeem',
  'balance',
  'package-balance',
  'credit',
  'tariff',
  'pay-for-me',
  'restore-package',
  'number-owner',
  'own-number',
  'operator-voucher',
]);
export type DialPurpose = Static<typeof purpose>;

/** The file as a table of tables: one row schema a section. */
const sections = {
  operators: row({ id, names, legal: Type.Object({ en: text, ru: text }, { additionalProperties: false }) }),
  owners: row({ operator: id, owner: text }),
  brands: row({ id, operator: id, names }),
  network_codes: row({
    operator: id,
    mcc: Type.String({ pattern: '^\\d{3}$' }),
    mnc: Type.String({ pattern: '^\\d{2,3}$' }),
  }),
  prefixes: row({
    prefix: Type.String({ pattern: '^\\d{3}$' }),
    operator: id,
    brand: Type.Optional(id),
    carrier: text,
  }),
  dial_codes: row({
    operator: id,
    brand: Type.Optional(id),
    purpose,
    code: Type.String({ pattern: '^\\*\\d{2,4}(\\*(\\d{1,6}|\\{pin\\}|\\{number\\}))*#$' }),
  }),
  amounts: row({
    operator: id,
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    min: whole,
    max: whole,
    step: whole,
    presets: Type.Array(whole, { minItems: 1, maxItems: 12 }),
  }),
  hotlines: row({ operator: id, number: Type.String({ pattern: '^\\+?\\d{3,15}$' }) }),
};

type Section = keyof typeof sections;
const sectionNames = Object.keys(sections) as Section[];

/** The checked content of a country's `operators.yaml`, with the file's own names. */
export type Country = Pack<typeof sections>;

/** Reads a country's operators once, at start. Throws one `Error` that lists every defect by file, line, row and field. */
export function loadCountry(dir: string): Country {
  const file = join(dir, 'operators.yaml');
  return parseCountry(readFileSync(file, 'utf8'), file);
}

export function parseCountry(yaml: string, file: string): Country {
  return parsePack({ yaml, file }, sections, contradictions);
}

/** What each row alone cannot show: doubles, references to nothing, amounts that exclude each other. */
function contradictions(country: Country): Defect[] {
  return [
    ...doubles(
      'operators',
      country.operators.map((row) => row.id),
    ),
    ...doubles(
      'owners',
      country.owners.map((row) => row.operator),
    ),
    ...doubles(
      'brands',
      country.brands.map((row) => row.id),
    ),
    ...doubles(
      'network_codes',
      country.network_codes.map((row) => `${row.mcc}-${row.mnc}`),
    ),
    ...doubles(
      'prefixes',
      country.prefixes.map((row) => row.prefix),
    ),
    ...doubles('dial_codes', country.dial_codes.map(dialKey)),
    ...doubles(
      'amounts',
      country.amounts.map((row) => row.operator),
    ),
    ...doubles(
      'hotlines',
      country.hotlines.map((row) => row.operator),
    ),
    ...danglingReferences(country),
    ...withoutAmounts(country),
    ...amountDefects(country),
  ];
}

/** One menu and one way to redeem per operator; of the other purposes as many codes as are known. */
function dialKey(row: Country['dial_codes'][number]): string {
  const single = row.purpose === 'menu' || row.purpose === 'redeem';
  return [row.operator, row.purpose, ...(single ? [] : [row.brand ?? '', row.code])].join(' ').trim();
}

function danglingReferences(country: Country): Defect[] {
  const operators = new Set(country.operators.map((row) => row.id));
  const brandOwners = new Map(country.brands.map((row) => [row.id, row.operator]));
  const referring = sectionNames.filter((section) => section !== 'operators');
  return referring.flatMap((section) => {
    const rows: readonly { operator?: string; brand?: string }[] = country[section];
    return rows.flatMap(({ operator = '', brand }, index): Defect[] => {
      if (!operators.has(operator)) return [{ section, index, problem: `operator ${operator} is not in operators` }];
      if (brand === undefined || brandOwners.get(brand) === operator) return [];
      return [{ section, index, problem: `brand ${brand} is not a brand of ${operator}` }];
    });
  });
}

/** Without amounts an operator could be chosen and not paid for. */
function withoutAmounts(country: Country): Defect[] {
  const priced = new Set(country.amounts.map((row) => row.operator));
  return country.operators.flatMap((row, index) =>
    priced.has(row.id) ? [] : [{ section: 'operators', index, problem: `${row.id} has no row in amounts` }],
  );
}

function amountDefects(country: Country): Defect[] {
  return country.amounts.flatMap(({ currency, min, max, step, presets }, index) => {
    const found: string[] = [];
    if (!isUnit(currency) || units[currency].kind !== 'money') found.push(`currency ${currency} is not known`);
    if (min > max) found.push('min is above max');
    if (presets.some((preset) => preset < min || preset > max)) found.push('presets must lie between min and max');
    if ([min, max, ...presets].some((amount) => amount % step !== 0))
      found.push('min, max and presets must be multiples of step');
    if (presets.some((preset, at) => at > 0 && preset <= (presets[at - 1] ?? 0))) found.push('presets must rise');
    return found.map((problem) => ({ section: 'amounts', index, problem }));
  });
}
