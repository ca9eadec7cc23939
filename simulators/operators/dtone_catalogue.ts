import { AMOUNT_MAX, AMOUNT_MIN, operators, type SimulatedOperator } from './numbers.ts';

/** Tenge for a dollar in these made-up price lists. */
export const TENGE_A_DOLLAR = 520;

const country = { name: 'Kazakhstan', iso_code: 'KAZ', regions: null };
const service = { id: 1, name: 'Mobile' };

export function operatorView({ dtone, name }: SimulatedOperator): object {
  return { id: dtone, name, country, regions: null };
}

export function productBase(operator: SimulatedOperator): object {
  return {
    id: operator.product,
    name: `${operator.name} open range`,
    description: 'Simulated: no credit reaches a real phone.',
    tags: ['AIRTIME'],
    service: { ...service, subservice: { id: 11, name: 'Airtime' } },
    operator: operatorView(operator),
    regions: null,
  };
}

const dollars = { unit_type: 'CURRENCY', unit: 'USD' };
const tenge = { unit_type: 'CURRENCY', unit: 'KZT' };
const dollarRange = { min: AMOUNT_MIN / TENGE_A_DOLLAR, max: AMOUNT_MAX / TENGE_A_DOLLAR };
const tengeRange = { min: AMOUNT_MIN, max: AMOUNT_MAX };

function productView(operator: SimulatedOperator): Product {
  return {
    ...productBase(operator),
    id: operator.product,
    type: 'RANGED_VALUE_RECHARGE',
    validity: null,
    required_debit_party_identifier_fields: null,
    required_credit_party_identifier_fields: [['mobile_number']],
    required_sender_fields: null,
    required_beneficiary_fields: null,
    required_statement_identifier_fields: null,
    required_additional_identifier_fields: null,
    accepted_calculation_modes: ['DESTINATION_AMOUNT'],
    availability_zones: ['INTERNATIONAL'],
    source: { ...dollars, amount: dollarRange },
    destination: { ...tenge, amount: { ...tengeRange, increment: 1 } },
    prices: { wholesale: { ...dollars, amount: dollarRange, fee: 0 }, retail: null },
    rates: { base: TENGE_A_DOLLAR, wholesale: TENGE_A_DOLLAR, retail: null },
    benefits: null,
    promotions: null,
  };
}

export type Product = { readonly id: number; readonly [field: string]: unknown };

const products = operators.map(productView);

export function productOf(id: unknown): Product | undefined {
  return products.find((product) => product.id === id);
}

/** Lists, by their path. */
export const dtoneCatalogue: Readonly<Record<string, readonly object[]>> = {
  '/services': [service],
  '/countries': [country],
  '/operators': operators.map(operatorView),
  '/benefit-types': [{ name: 'CREDITS' }],
  '/promotions': [],
  '/campaigns': [],
  '/products': products,
};

/** All operators, the one of the prefix first and marked: a guess, as it is in life. */
export function lookUp(number: string): object[] {
  const prefix = number.slice(1, 4);
  const isLikely = (operator: SimulatedOperator): boolean => operator.prefixes.some((one) => one === prefix);
  return [...operators]
    .sort((a, b) => Number(isLikely(b)) - Number(isLikely(a)))
    .map((operator) => ({ ...operatorView(operator), identified: isLikely(operator) }));
}
