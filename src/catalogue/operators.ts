import { present } from '../base/assert.ts';
import { isUnit, parseAmount, type Unit } from '../base/money.ts';
import { type Msisdn, prefixOf } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import type { Country, DialPurpose } from './country.ts';
import { type Confidence, type Evidence, evidenceOf } from './pack.ts';

/** An operator that is in the loaded country pack; `parseOperator` makes one from text. */
export type OperatorId = string & { readonly operator: unique symbol };

/** One name per language; `kk` and `zh` keep the Latin brand where no local spelling is in use. */
export type Names = Readonly<Record<'en' | 'ru' | 'kk' | 'zh', string>>;

export type Brand = Evidence & { readonly id: string; readonly names: Names };
export type Owner = Evidence & { readonly owner: string };
/** The carrier a prefix was first given to; `brand` is absent where the prefix cannot tell (Kcell or activ). */
export type Prefix = Evidence & { readonly prefix: string; readonly carrier: string; readonly brand?: string };
/** `code` may hold `{pin}` or `{number}`, to be replaced by what the person types. */
export type DialCode = Evidence & { readonly code: string; readonly purpose: DialPurpose; readonly brand?: string };
export type Hotline = Evidence & { readonly number: string };

export type Operator = Evidence & {
  readonly id: OperatorId;
  readonly names: Names;
  readonly legal: { readonly en: string; readonly ru: string };
  readonly owner?: Owner;
  readonly brands: readonly Brand[];
  readonly prefixes: readonly Prefix[];
  /** MCC and MNC as `401-02`. */
  readonly networkCodes: readonly string[];
};

/** All amounts in minor units of `unit`; an amount is allowed when it lies in the range and is a multiple of the step. */
export type Denominations = Evidence & {
  readonly unit: Unit;
  readonly minMinor: bigint;
  readonly maxMinor: bigint;
  readonly stepMinor: bigint;
  readonly presetsMinor: readonly bigint[];
};

export type Operators = {
  /** The id behind a text from outside; refuses with `operator.not_found`. */
  parseOperator(text: string): OperatorId;
  /** In the order of the country pack. */
  operators(): readonly Operator[];
  operator(id: OperatorId): Operator;
  /** A guess from the prefix, to be shown and changed: numbers are portable. It never refuses anything. */
  operatorOf(msisdn: Msisdn): OperatorId | undefined;
  /** The most trusted code for a purpose; undefined where none is known. */
  dialCode(id: OperatorId, purpose: DialPurpose): DialCode | undefined;
  /** Every code of the operator, most trusted first within a purpose. */
  dialCodes(id: OperatorId): readonly DialCode[];
  denominations(id: OperatorId): Denominations;
  /** Undefined where no hotline is known. */
  hotline(id: OperatorId): Hotline | undefined;
  /** Whose gateway a dialled string reaches: `*111#`, `*111*` and `*111*1234…#` all reach the owner of menu `*111#`. */
  menuCodeOwners(dialled: string): readonly OperatorId[];
};

/** Pure lookups over a checked country: everything is indexed here once, a call is one map access. */
export function operatorLookups(country: Country): Operators {
  const operators = new Map(country.operators.map((row) => [row.id, operatorFrom(country, row)]));
  const prefixes = new Map(country.prefixes.map((row) => [row.prefix, row.operator as OperatorId]));
  const dialCodes = Map.groupBy(country.dial_codes.toSorted(byTrust), (row) => row.operator);
  const codes = new Map([...dialCodes].map(([operator, rows]) => [operator, rows.map(dialCodeFrom)]));
  const denominations = new Map(country.amounts.map((row) => [row.operator, denominationsFrom(row)]));
  const hotlines = new Map(country.hotlines.map((row) => [row.operator, { number: row.number, ...evidenceOf(row) }]));
  const menus = country.dial_codes.filter((row) => row.purpose === 'menu');
  const owners = Map.groupBy(menus, (row) => serviceCode(row.code));

  return {
    parseOperator(text) {
      const operator = operators.get(text);
      if (operator === undefined) throw new Refusal('operator.not_found');
      return operator.id;
    },
    operators: () => [...operators.values()],
    operator: (id) => present(operators.get(id), 'an operator id comes from this catalogue'),
    operatorOf: (msisdn) => prefixes.get(prefixOf(msisdn)),
    dialCode: (id, purpose) => codes.get(id)?.find((code) => code.purpose === purpose),
    dialCodes: (id) => codes.get(id) ?? [],
    denominations: (id) => present(denominations.get(id), 'every operator of a checked pack has amounts'),
    hotline: (id) => hotlines.get(id),
    menuCodeOwners: (dialled) => (owners.get(serviceCode(dialled)) ?? []).map((row) => row.operator as OperatorId),
  };
}

type Row<Section extends keyof Country> = Country[Section][number];

function operatorFrom(country: Country, row: Row<'operators'>): Operator {
  const mine = ({ operator }: { operator: string }): boolean => operator === row.id;
  const owner = country.owners.find(mine);
  return {
    id: row.id as OperatorId,
    names: row.names,
    legal: row.legal,
    ...(owner && { owner: { owner: owner.owner, ...evidenceOf(owner) } }),
    brands: country.brands.filter(mine).map((brand) => ({ id: brand.id, names: brand.names, ...evidenceOf(brand) })),
    prefixes: country.prefixes.filter(mine).map(prefixFrom),
    networkCodes: country.network_codes.filter(mine).map(({ mcc, mnc }) => `${mcc}-${mnc}`),
    ...evidenceOf(row),
  };
}

function prefixFrom(row: Row<'prefixes'>): Prefix {
  const { prefix, carrier, brand } = row;
  return { prefix, carrier, ...(brand !== undefined && { brand }), ...evidenceOf(row) };
}

function dialCodeFrom(row: Row<'dial_codes'>): DialCode {
  const { code, purpose, brand } = row;
  return { code, purpose, ...(brand !== undefined && { brand }), ...evidenceOf(row) };
}

/** The file speaks of whole tenge, the platform of minor units. */
function denominationsFrom(row: Row<'amounts'>): Denominations {
  const unit = present(isUnit(row.currency) ? row.currency : undefined, 'a checked pack names a known currency');
  const minor = (amount: number): bigint => parseAmount(String(amount), unit);
  return {
    unit,
    minMinor: minor(row.min),
    maxMinor: minor(row.max),
    stepMinor: minor(row.step),
    presetsMinor: row.presets.map(minor),
    ...evidenceOf(row),
  };
}

const trust: Readonly<Record<Confidence, number>> = { high: 0, medium: 1, low: 2 };

/** Sorting is stable, so equal trust keeps the order of the file. */
function byTrust(a: Row<'dial_codes'>, b: Row<'dial_codes'>): number {
  return trust[a.confidence] - trust[b.confidence];
}

/** The digits after the first star, which choose the gateway; whatever follows them is for the gateway to read. */
function serviceCode(dialled: string): string {
  return /^\*(\d{2,4})(?:[*#]|$)/.exec(dialled)?.[1] ?? '';
}
