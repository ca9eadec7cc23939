import { parseZone } from './moment.ts';
import { parseReference } from './names.ts';
import type { Line, LineKind, LineState } from './report.ts';
import { type Columns, extraOf, netOf, type Row, tableFormat, unsigned } from './table.ts';

// PayPal's activity download, in English: words and dates follow the language of the account
// (developer.paypal.com/reports/activity-download). Fees are negative there, and kept positive here.

type Field =
  | 'entry'
  | 'date'
  | 'time'
  | 'zone'
  | 'type'
  | 'status'
  | 'currency'
  | 'gross'
  | 'fee'
  | 'net'
  | 'about'
  | 'invoice'
  | 'custom'
  | 'impact';

const columns: Columns<Field> = {
  date: ['Date'],
  time: ['Time'],
  zone: ['TimeZone'],
  type: ['Type'],
  status: ['Status'],
  currency: ['Currency'],
  gross: ['Gross'],
  fee: ['Fee'],
  net: ['Net'],
  entry: ['Transaction ID'],
  about: ['Reference Txn ID'],
  invoice: ['Invoice Number'],
  custom: ['Custom Number'],
  impact: ['Balance Impact'],
};

/** What is said of a movement of money, by the kind of event it is, in the activity's words. */
const kinds = new Map<string, LineKind>([
  ['paypal checkout apis', 'payment'],
  ['payment refund', 'refund'],
  ['payment reversal', 'dispute'],
  ['chargeback', 'dispute'],
  ['chargeback reversal', 'dispute'],
  ['reversal of chargeback', 'dispute'],
  ['general withdrawal', 'payout'],
  ['general withdrawal - bank account', 'payout'],
  ['user initiated withdrawal', 'payout'],
  ['auto-sweep', 'payout'],
  ...[
    'chargeback fee',
    'dispute fee',
    'chargeback processing fee',
    'fee',
    'partner fee',
    'general fee',
    'fee reversal',
    'other fee',
  ].map((word): [string, LineKind] => [word, 'fee']),
  ...[
    'general currency conversion',
    'user initiated currency conversion',
    'general authorization',
    'void of authorization',
    'account hold for open authorization',
    'reversal of general account hold',
    'hold on balance for dispute investigation',
    'cancellation of hold for dispute resolution',
    'payment review hold',
    'payment review release',
    'payment hold',
    'payment release',
    'reserve hold',
    'reserve release',
    'general hold',
    'general hold release',
    'general account correction',
    'bank deposit to pp account',
    'general account adjustment',
  ].map((word): [string, LineKind] => [word, 'other']),
]);

/** Their words for what became of it. An unknown one is not taken for done. */
const states = new Map<string, LineState>([
  ['completed', 'done'],
  ['cleared', 'done'],
  ['processed', 'done'],
  ['refunded', 'done'],
  ['partially refunded', 'done'],
  ['reversed', 'reversed'],
  ['partially reversed', 'reversed'],
  ['denied', 'failed'],
  ['failed', 'failed'],
  ['canceled', 'failed'],
  ['cancelled', 'failed'],
  ['expired', 'failed'],
  ['voided', 'failed'],
  ['removed', 'failed'],
  ['returned', 'failed'],
]);

function kindOf(type: string): LineKind | undefined {
  const word = type.toLowerCase();
  return kinds.get(word) ?? (/payment$/.test(word) ? 'payment' : undefined);
}

/**
 * Money that we pay to somebody, or that somebody gives back to us, is in the same words as what payers pay us; only its direction tells
 * them apart. A chargeback given back is one that was won.
 */
export function directed(kind: LineKind, state: LineState, gross: bigint): { kind: LineKind; state: LineState } {
  if (kind === 'payment' && gross <= 0n) return { kind: 'other', state };
  if (kind === 'refund' && gross >= 0n) return { kind: 'other', state };
  if (kind === 'dispute' && gross > 0n) return { kind, state: state === 'done' ? 'reversed' : state };
  return { kind, state };
}

function lineOf(row: Row<Field>): Line {
  const currency = row.currency('currency');
  const gross = row.amount('gross', currency);
  const known = kindOf(row.text('type'));
  const { kind, state } = directed(known ?? 'other', states.get(row.text('status').toLowerCase()) ?? 'pending', gross);
  const entry = row.required('entry');
  const about = row.id('about');
  const ours = parseReference(row.text('custom')) ?? parseReference(row.text('invoice'));
  const isDisputed = kind === 'dispute';
  const fee = row.text('fee') === '' ? 0n : -row.amount('fee', currency);
  return {
    line: row.line,
    entry,
    kind,
    state,
    // A chargeback has a number of its own there, which is not the dispute's.
    externalId: isDisputed ? undefined : entry,
    names: [...(kind === 'payment' ? [entry] : []), ...(about === undefined ? [] : [about]), ...(ours?.names ?? [])],
    reference: ours?.text,
    ...netOf(row, { currency, gross, fee, net: 'net' }),
    amount: unsigned({ currency, minor: gross }),
    numberIndex: undefined,
    ...momentOf(row),
    extra: extraOf({
      word: row.text('type'),
      status: row.text('status'),
      about,
      // A memo does not move the balance.
      unknown: known === undefined && row.text('impact').toLowerCase() !== 'memo' ? 'word' : undefined,
    }),
  };
}

/** The zone of each row, because it changes with summer time. */
function momentOf(row: Row<Field>): { at: Date; until: Date } {
  const zoneMinutes = parseZone(row.text('zone')) ?? row.zoneMinutes;
  if (zoneMinutes === undefined) throw row.invalid('zone', 'unknown time zone');
  return row.moment('date', { text: `${row.text('date')} ${row.text('time')}`, zoneMinutes });
}

/** What happened in the account, as downloaded from the site. */
export const paypalActivity = tableFormat<Field>({
  id: 'paypal.activity',
  source: 'paypal',
  isComplete: true,
  zoneMinutes: undefined,
  columns,
  required: ['entry', 'date', 'time', 'type', 'status', 'currency', 'gross'],
  line: lineOf,
});
