import { parseReference } from './names.ts';
import type { Line, LineKind, LineState } from './report.ts';
import { type Columns, extraOf, netOf, normal, type Row, tableFormat, unsigned } from './table.ts';

// Stripe writes the same balance transactions with the names of its reporting API (docs.stripe.com/reports/report-types) and with those
// of the dashboard's export. Amounts are in major units of the currency Stripe settles in; what the payer saw is beside them.

type Field =
  | 'entry'
  | 'at'
  | 'category'
  | 'type'
  | 'currency'
  | 'gross'
  | 'fee'
  | 'net'
  | 'source'
  | 'charge'
  | 'intent'
  | 'facingAmount'
  | 'facingCurrency'
  | 'payout';

const columns: Columns<Field> = {
  entry: ['balance_transaction_id', 'id'],
  at: ['created_utc', 'Created (UTC)', 'created'],
  category: ['reporting_category'],
  type: ['type'],
  currency: ['currency'],
  gross: ['gross', 'amount'],
  fee: ['fee'],
  net: ['net'],
  source: ['source_id', 'source'],
  charge: ['charge_id'],
  intent: ['payment_intent_id'],
  facingAmount: ['customer_facing_amount'],
  facingCurrency: ['customer_facing_currency'],
  payout: ['automatic_payout_id', 'transfer'],
};

// Without what the payer saw, a charge that Stripe settles in another currency could not be compared.
const always = ['entry', 'at', 'currency', 'gross', 'fee', 'net', 'source', 'facingAmount', 'facingCurrency'] as const;

type Meaning = { readonly kind: LineKind; readonly state: LineState };

const done = (kind: LineKind): Meaning => ({ kind, state: 'done' });

/** `reporting_category` of the reports, in our words. */
const categories = new Map<string, Meaning>([
  ['charge', done('payment')],
  ['charge_failure', { kind: 'payment', state: 'reversed' }],
  ['refund', done('refund')],
  ['refund_failure', { kind: 'refund', state: 'failed' }],
  ['dispute', done('dispute')],
  ['dispute_reversal', { kind: 'dispute', state: 'reversed' }],
  ['fee', done('fee')],
  ['network_cost', done('fee')],
  ['tax', done('fee')],
  ['payout', done('payout')],
  ['payout_reversal', { kind: 'payout', state: 'reversed' }],
  ...[
    'transfer',
    'transfer_reversal',
    'topup',
    'topup_reversal',
    'partial_capture_reversal',
    'risk_reserved_funds',
    'connect_reserved_funds',
    'other_adjustment',
  ].map((word): [string, Meaning] => [word, done('other')]),
]);

/** `Type` of the dashboard's export, where it is another word. */
const types = new Map<string, Meaning>([
  ['payment', done('payment')],
  ['payment_failure_refund', { kind: 'payment', state: 'reversed' }],
  ['payment_refund', done('refund')],
  ['stripe_fee', done('fee')],
  ['stripe_fx_fee', done('fee')],
  ['tax_fee', done('fee')],
  ['payout_cancel', { kind: 'payout', state: 'reversed' }],
  ['payout_failure', { kind: 'payout', state: 'reversed' }],
  ['reserve_transaction', done('other')],
  ['reserved_funds', done('other')],
  ['transfer_cancel', done('other')],
  ['transfer_failure', done('other')],
]);

function meaningOf(row: Row<Field>, gross: bigint): Meaning | undefined {
  const word = (row.text('category') || row.text('type')).toLowerCase();
  // The dashboard calls a dispute an adjustment and names the dispute as its source.
  if (word === 'adjustment' && /^(dp|du)_/.test(row.text('source')))
    return { kind: 'dispute', state: gross < 0n ? 'done' : 'reversed' };
  return word === 'adjustment' ? done('other') : (categories.get(word) ?? types.get(word));
}

/** Names of the thing itself, by what it is; a name of another kind is that of the payment it is about. */
const ownNames: Readonly<Partial<Record<LineKind, RegExp>>> = {
  payment: /^(ch|py|pi)_/,
  refund: /^(re|pyr)_/,
  dispute: /^(dp|du)_/,
  payout: /^po_/,
};

function lineOf(row: Row<Field>, metadata: readonly string[]): Line {
  const currency = row.currency('currency');
  const gross = row.amount('gross', currency);
  const meaning = meaningOf(row, gross);
  const kind = meaning?.kind ?? 'other';
  const source = row.id('source');
  const isOwn = source !== undefined && ownNames[kind]?.test(source) === true;
  const ours = metadata.map(parseReference).filter((reference) => reference !== undefined);
  const payment = [row.id('charge'), row.id('intent'), /^(ch|py|pi)_/.test(source ?? '') ? source : undefined];
  const { at, until } = row.moment('at');
  return {
    line: row.line,
    entry: row.required('entry'),
    kind,
    state: meaning?.state ?? 'done',
    externalId: isOwn ? source : undefined,
    names: [...new Set([...payment.filter((name) => name !== undefined), ...ours.flatMap(({ names }) => names)])],
    // The longest says most: which payment or refund of which order.
    reference: ours.map(({ text }) => text).sort((a, b) => b.length - a.length)[0],
    ...netOf(row, { currency, gross, fee: row.amount('fee', currency), net: 'net' }),
    amount: unsigned(amountOf(row, { currency, minor: gross })),
    numberIndex: undefined,
    at,
    until,
    extra: extraOf({
      word: row.text('category') || row.text('type'),
      charge: row.id('charge'),
      intent: row.id('intent'),
      payout: row.id('payout'),
      unknown: meaning === undefined ? 'word' : undefined,
    }),
  };
}

/** What the payer saw. Fees and payouts have no payer. */
function amountOf(row: Row<Field>, settled: { currency: string; minor: bigint }): { currency: string; minor: bigint } {
  if (row.text('facingAmount') === '') return settled;
  const currency = row.currency('facingCurrency');
  return { currency, minor: row.amount('facingAmount', currency) };
}

const shared = {
  source: 'stripe',
  columns,
  zoneMinutes: 0,
  // Our reference is in the metadata, under whatever key: `payment_metadata[order]`, or `order (metadata)`.
  more: /^(payment|refund)metadata|metadata$/,
  line: lineOf,
} as const;

/** What changed the balance: the itemized report of balance changes, or the dashboard's export of it. */
export const stripeActivity = tableFormat<Field>({
  ...shared,
  id: 'stripe.activity',
  isComplete: true,
  required: always,
});

/** What each payout consists of. Ordered by payout, so that no time is complete in it: a payment is in it days later. */
export const stripePayouts = tableFormat<Field>({
  ...shared,
  id: 'stripe.payouts',
  isComplete: false,
  required: ['payout', ...always],
  isThis: ({ cells }) => normal(cells[0] ?? '') === 'automaticpayoutid',
});
