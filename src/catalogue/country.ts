import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Type, { type Static, type TProperties } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { isUnit, units } from '../base/money.ts';

/** How far a fact may be trusted. Screens mark `low`, so that nobody takes a guess for the operator's word. */
export type Confidence = 'high' | 'medium' | 'low';

const text = Type.String({ pattern: '\\S' });
const id = Type.String({ pattern: '^[a-z][a-z0-9-]{1,31}$' });
const whole = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
const names = Type.Object({ en: text, ru: text, kk: text, zh: text }, { additionalProperties: false });

/** A row without these three is a rumour: the whole pack is turned away. */
const evidence = {
  source: text,
  verified_at: Type.String({ format: 'date' }),
  confidence: Type.Enum(['high', 'medium', 'low']),
  note: Type.Optional(text),
};

const row = <Fields extends TProperties>(fields: Fields) =>
  Type.Object({ ...fields, ...evidence }, { additionalProperties: false });

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
export type Country = { readonly [S in Section]: readonly Static<(typeof sections)[S]>[] };

/** Reads a country pack once, at start. Throws one `Error` that lists every defect by file, line, row and field. */
export function loadCountry(dir: string): Country {
  const file = join(dir, 'operators.yaml');
  return parseCountry(readFileSync(file, 'utf8'), file);
}

export function parseCountry(yaml: string, file: string): Country {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines });
  const unreadable = document.errors.map((error) => `${file}: ${error.message.split('\n')[0]}`);
  refuseIfAny(unreadable, file);

  const content: unknown = document.toJS();
  const show = ({ section, index, problem }: Defect): string => {
    if (index === undefined) return `${file}: ${section} ${problem}`;
    const node = document.getIn([section, index], true);
    const start = isNode(node) ? node.range?.[0] : undefined;
    const line = start === undefined ? '' : `:${lines.linePos(start).line}`;
    return `${file}${line}: ${section} row ${index + 1}: ${problem}`;
  };
  refuseIfAny(shapeDefects(content).map(show), file);
  const country = content as Country;
  refuseIfAny(contradictions(country).map(show), file);
  return country;
}

/** `index` counts from 0; without it the whole section is meant. */
type Defect = { readonly section: string; readonly index?: number; readonly problem: string };

function refuseIfAny(defects: readonly string[], file: string): void {
  if (defects.length > 0) throw new Error(`the country pack ${file} is defective:\n${defects.join('\n')}`);
}

function shapeDefects(content: unknown): Defect[] {
  if (!isRecord(content)) return [{ section: 'the file', problem: 'must hold sections of rows' }];
  const strangers = Object.keys(content).filter((name) => !Object.hasOwn(sections, name));
  return [
    ...strangers.map((section) => ({ section, problem: 'is not a section of this file' })),
    ...sectionNames.flatMap((section) => sectionDefects(section, content[section])),
  ];
}

function sectionDefects(section: Section, rows: unknown): Defect[] {
  if (!Array.isArray(rows)) return [{ section, problem: 'must be a list of rows' }];
  const validator = Compile(sections[section]);
  return rows.flatMap((value: unknown, index) =>
    validator.Check(value)
      ? []
      : validator.Errors(value).flatMap((error) => problems(error).map((problem) => ({ section, index, problem }))),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The checker's words made readable to whoever edits the file: the field first, then what it should be. */
function problems(error: TLocalizedValidationError): string[] {
  const field = error.instancePath.slice(1).replaceAll('/', '.');
  switch (error.keyword) {
    case 'required':
      return error.params.requiredProperties.map((name) => `${field === '' ? name : `${field}.${name}`} is missing`);
    case 'boolean':
      return [`${field} is not a field of this section`];
    case 'additionalProperties':
      return []; // said by name in the 'boolean' arm
    case 'enum':
      return [`${field} must be one of ${error.params.allowedValues.join(', ')}`];
    case 'format':
      return [`${field} must be a ${error.params.format}, as 2026-11-23`];
    case 'pattern':
      return [`${field} must look like ${String(error.params.pattern)}`];
    default:
      return [`${field === '' ? 'the row' : field} ${error.message}`];
  }
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

function doubles(section: Section, keys: readonly string[]): Defect[] {
  return keys.flatMap((key, index) => {
    const first = keys.indexOf(key);
    return first === index ? [] : [{ section, index, problem: `${key} is already in row ${first + 1}` }];
  });
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
