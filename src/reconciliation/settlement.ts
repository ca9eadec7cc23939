import { decimalsOf } from './amount.ts';
import { type Clockwork, parseMoment } from './moment.ts';
import { parseReference } from './names.ts';
import { directed } from './paypal.ts';
import { invalid, type Line, type LineKind, type LineState, type Period, type ReportMoney } from './report.ts';
import {
  type Columns,
  extraOf,
  type Format,
  moneyText,
  type Place,
  placesOf,
  type Reader,
  Row,
  titleOf,
  unsigned,
} from './table.ts';

// PayPal's Settlement Report (STL) and Transaction Detail Report (TRR), as it leaves them on its SFTP server: each record begins with
// two letters that say what it is. RH, FH and SH open report, file and section; CH names the columns of the SB records, which are the
// movements; SF, SC, RF, RC and FF close and count (developer.paypal.com/docs/reports/sftp-reports).

type Field =
  | 'entry'
  | 'invoice'
  | 'about'
  | 'code'
  | 'initiated'
  | 'completed'
  | 'side'
  | 'gross'
  | 'currency'
  | 'feeSide'
  | 'fee'
  | 'feeCurrency'
  | 'status'
  | 'custom';

const columns: Columns<Field> = {
  entry: ['Transaction ID'],
  invoice: ['Invoice ID'],
  about: ['PayPal Reference ID'],
  code: ['Transaction Event Code'],
  initiated: ['Transaction Initiation Date'],
  completed: ['Transaction Completion Date'],
  side: ['Transaction Debit or Credit'],
  gross: ['Gross Transaction Amount'],
  currency: ['Gross Transaction Currency'],
  feeSide: ['Fee Debit or Credit'],
  fee: ['Fee Amount'],
  feeCurrency: ['Fee Currency'],
  status: ['Transactional Status'],
  custom: ['Custom Field'],
};
const required = ['entry', 'code', 'initiated', 'side', 'gross', 'currency', 'feeSide', 'fee'] as const;

/** Event codes whose meaning is not that of their group (developer.paypal.com/docs/reports/reference/tcodes). */
const codes = new Map<string, LineKind>([
  ['T1106', 'dispute'],
  ['T1107', 'refund'],
  ['T1108', 'fee'],
  ['T1109', 'fee'],
  ['T1201', 'dispute'],
  ['T1202', 'dispute'],
]);
const groups = new Map<string, LineKind>([
  ['T00', 'payment'],
  ['T01', 'fee'],
  ['T04', 'payout'],
  ...[
    'T02',
    'T03',
    'T05',
    'T06',
    'T07',
    'T08',
    'T09',
    'T10',
    'T11',
    'T12',
    'T13',
    'T14',
    'T15',
    'T16',
    'T17',
    'T18',
  ].map((group): [string, LineKind] => [group, 'other']),
  ...['T19', 'T20', 'T21', 'T22'].map((group): [string, LineKind] => [group, 'other']),
]);
const states = new Map<string, LineState>([
  // A Settlement Report has no such column: what is in it is settled.
  ['', 'done'],
  ['S', 'done'],
  ['F', 'done'],
  ['V', 'reversed'],
  ['D', 'failed'],
]);

/** In hundredths whatever the currency: 100 yen and 100 dollars are both written as 10000. Without a sign, which is beside it. */
function amountOf(
  row: Row<Field>,
  field: 'gross' | 'fee',
  side: { field: 'side' | 'feeSide'; currency: string },
): bigint {
  const text = row.text(field);
  if (text === '' && field === 'fee') return 0n;
  if (!/^\d{1,15}$/.test(text)) throw row.invalid(field, 'not an amount');
  const direction = row.text(side.field).toUpperCase();
  const hundredths = BigInt(text);
  if (direction !== 'CR' && direction !== 'DR' && hundredths !== 0n) throw row.invalid(side.field, 'unknown word');
  const places = decimalsOf(side.currency);
  const minor = places <= 2 ? hundredths / 10n ** BigInt(2 - places) : hundredths * 10n ** BigInt(places - 2);
  return direction === 'DR' ? -minor : minor;
}

function lineOf(row: Row<Field>): Line {
  const currency = row.currency('currency');
  const gross = amountOf(row, 'gross', { field: 'side', currency });
  const charged = feeOf(row, currency);
  // A fee in another currency is booked by itself; here it is only told.
  const fee = charged.currency === currency ? charged.minor : 0n;
  const code = row.required('code').toUpperCase();
  const known = codes.get(code) ?? groups.get(code.slice(0, 3));
  const { kind, state } = directed(known ?? 'other', states.get(row.text('status').toUpperCase()) ?? 'pending', gross);
  const entry = row.required('entry');
  const about = row.id('about');
  const ours = parseReference(row.text('custom')) ?? parseReference(row.text('invoice'));
  return {
    line: row.line,
    entry,
    kind,
    state,
    externalId: kind === 'dispute' ? undefined : entry,
    names: [...(kind === 'payment' ? [entry] : []), ...(about === undefined ? [] : [about]), ...(ours?.names ?? [])],
    reference: ours?.text,
    currency,
    grossMinor: gross,
    feeMinor: fee,
    netMinor: gross - fee,
    amount: unsigned({ currency, minor: gross }),
    numberIndex: undefined,
    ...row.moment(row.text('completed') === '' ? 'initiated' : 'completed'),
    extra: extraOf({
      word: code,
      status: row.text('status'),
      about,
      fee: charged.currency === currency ? undefined : moneyText(charged),
      unknown: known === undefined ? 'word' : undefined,
    }),
  };
}

/** What was taken for it: positive, where the report writes a debit. */
function feeOf(row: Row<Field>, currency: string): ReportMoney {
  const charged = row.text('feeCurrency') === '' ? currency : row.currency('feeCurrency');
  return { currency: charged, minor: -amountOf(row, 'fee', { field: 'feeSide', currency: charged }) };
}

/** One file: where it stands between its headers and its sums. */
class SettlementReader implements Reader {
  readonly #clockwork: Clockwork;
  #places: ReadonlyMap<Field, Place> | undefined;
  #width = 0;
  #period: Period | undefined;
  #inSection = 0;
  #isClosed = false;

  constructor(clockwork: Clockwork) {
    this.#clockwork = clockwork;
  }

  read(cells: readonly string[], line: number): Line | undefined {
    if (this.#isClosed) throw invalid('goes on after its end', { line });
    switch (cells[0]) {
      case 'RH':
      case 'FH':
      case 'SF':
      case 'RF':
      case 'RC':
        return undefined;
      case 'SH':
        this.#openSection(cells, line);
        return undefined;
      case 'CH':
        this.#nameColumns(cells, line);
        return undefined;
      case 'SC':
        if (Number(cells[1]) !== this.#inSection) throw invalid('its own count is another', { line, column: 'SC' });
        return undefined;
      case 'FF':
        this.#isClosed = true;
        return undefined;
      case 'SB':
        return this.#movement(cells, line);
      default:
        throw invalid('unknown record', { line });
    }
  }

  end(line: number): Period | undefined {
    if (!this.#isClosed) throw invalid('cut short', { line });
    return this.#period;
  }

  #openSection(cells: readonly string[], line: number): void {
    const [from, to] = [cells[1], cells[2]].map((text) => parseMoment(text ?? '', this.#clockwork)?.at);
    if (from === undefined || to === undefined) throw invalid('not a date', { line, column: 'SH' });
    // It names its last second.
    const end = new Date(to.getTime() + 1_000);
    const { from: first = from, to: last = end } = this.#period ?? {};
    this.#period = { from: from < first ? from : first, to: end > last ? end : last };
    this.#inSection = 0;
  }

  #nameColumns(cells: readonly string[], line: number): void {
    const places = placesOf(columns, cells);
    const lacking = required.find((field) => !places.has(field));
    if (lacking !== undefined) throw invalid('missing column', { line, column: titleOf(columns, lacking) });
    this.#places = places;
    this.#width = cells.length;
  }

  #movement(cells: readonly string[], line: number): Line {
    if (this.#places === undefined) throw invalid('missing column', { line, column: 'CH' });
    if (cells.length !== this.#width) throw invalid('wrong number of columns', { line });
    this.#inSection += 1;
    return lineOf(new Row({ cells, line }, this.#places, this.#clockwork));
  }
}

export const paypalSettlement: Format = {
  id: 'paypal.settlement',
  source: 'paypal',
  isComplete: true,
  encoding: 'utf-8',
  delimiter: undefined,
  zoneMinutes: 0,
  missing: ({ cells }) => (cells[0] === 'RH' ? [] : required.map((field) => titleOf(columns, field))),
  open: (_, clockwork) => new SettlementReader(clockwork),
};
