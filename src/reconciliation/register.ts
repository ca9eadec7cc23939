import type { Uuid } from '../base/ids.ts';
import { parseMsisdn } from '../base/msisdn.ts';
import { orRefusal, Refusal } from '../base/refusal.ts';
import { parseCurrency, parseMinor } from './amount.ts';
import type { Clockwork } from './moment.ts';
import { agentOf, invalid, type Line, type LineState, type ReportMoney, type Source } from './report.ts';
import {
  type Columns,
  extraOf,
  type FirstLine,
  type Format,
  type Place,
  placesOf,
  type Reader,
  Row,
  titleOf,
  unsigned,
} from './table.ts';

// Registers of those who credit numbers for us. They differ from partner to partner, so how one is laid out is data.

/** `reference` is ours, `external` theirs; `cost` what they take for it. */
export const fields = [
  'reference',
  'external',
  'date',
  'time',
  'account',
  'amount',
  'currency',
  'status',
  'cost',
  'costCurrency',
] as const;
export type Field = (typeof fields)[number];

export type RegisterLayout = {
  readonly columns: Columns<Field>;
  /** Whether the first line names the columns. Without it they are numbers. */
  readonly hasHeader: boolean;
  readonly delimiter: string | undefined;
  readonly encoding: 'utf-8' | 'windows-1251';
  readonly zoneMinutes: number;
  /** Where the register names none. */
  readonly currency: string;
  /** Where the register has no such column. */
  readonly state: LineState;
  /** Words of this partner beyond the usual ones, in small letters. */
  readonly states: ReadonlyMap<string, LineState>;
  /** The word that begins its last record, which holds count and sum; then it must be there. */
  readonly total: string | undefined;
  readonly isComplete: boolean;
};

const words: readonly (readonly [LineState, string])[] = [
  ['done', '0 ok success successful completed complete delivered paid done успешно успешный проведен проведён оплачен'],
  ['pending', '1 90 pending processing submitted confirmed created accepted'],
  [
    'failed',
    '4 5 7 8 79 241 242 243 300 failed declined rejected cancelled canceled error refused ошибка отклонен отклонён',
  ],
  ['reversed', 'reversed refunded возврат возвращен возвращён'],
];
const usualStates = new Map(words.flatMap(([state, list]) => list.split(' ').map((word) => [word, state] as const)));

/** `DECLINED-INVALID-CREDIT-PARTY` is declined. A word nobody knows is not taken for done. */
function stateOf(text: string, layout: RegisterLayout): LineState {
  if (text === '') return layout.state;
  const word = text.toLowerCase();
  const [head = ''] = word.split(/[-\s]/);
  return layout.states.get(word) ?? usualStates.get(word) ?? usualStates.get(head) ?? 'pending';
}

/** Finds the blind index of a number. */
export type IndexOf = (msisdn: ReturnType<typeof parseMsisdn>) => Uuid;

/** The number itself goes no further than this. What is no Kazakh number, or is masked already, leaves nothing. */
function indexOf(account: string, find: IndexOf): Uuid | undefined {
  const msisdn = orRefusal(() => parseMsisdn(account));
  return msisdn instanceof Refusal ? undefined : find(msisdn);
}

/** `500`, `500 KZT`, `KZT 500`. */
function amountOf(row: Row<Field>, fallback: string): ReportMoney {
  const match = /^([a-z]{3})?([^a-z]+)([a-z]{3})?$/i.exec(row.text('amount'));
  const [, before, written = '', after] = match ?? [];
  const own = row.text('currency') === '' ? undefined : row.currency('currency');
  const currency = own ?? parseCurrency(before ?? after ?? fallback) ?? fallback;
  const minor = parseMinor(written, currency);
  if (minor === undefined) throw row.invalid('amount', 'not an amount');
  return { currency, minor };
}

/** With more decimals than the currency has, as wholesale prices come: kept as it is written, if it is a number at all. */
function costOf(row: Row<Field>): Record<string, string> {
  const cost = row.text('cost').replaceAll(' ', '');
  if (!/^-?\d{1,15}([.,]\d{1,8})?$/.test(cost)) return {};
  const currency = parseCurrency(row.text('costCurrency')) ?? '';
  return { cost: `${cost.replace(',', '.')} ${currency}`.trim() };
}

type Means = { readonly source: Source; readonly find: IndexOf };

function lineOf(row: Row<Field>, layout: RegisterLayout, means: Means): Line {
  const [reference, external] = [row.id('reference'), row.id('external')];
  if (reference === undefined && external === undefined) throw row.invalid('reference', 'empty');
  const { currency, minor } = amountOf(row, layout.currency);
  const state = stateOf(row.text('status'), layout);
  const time = row.text('time');
  return {
    line: row.line,
    entry: external ?? `reference:${reference}`,
    kind: 'credit',
    // Some take a credit back by a record of its own, with a minus.
    state: minor < 0n && state === 'done' ? 'reversed' : state,
    externalId: external,
    names: namesOf(means.source, { reference, external }),
    reference,
    currency,
    grossMinor: minor,
    feeMinor: 0n,
    netMinor: minor,
    amount: unsigned({ currency, minor }),
    numberIndex: indexOf(row.text('account'), means.find),
    ...row.moment('date', { text: time === '' ? row.text('date') : `${row.text('date')} ${time}` }),
    extra: extraOf({ status: wordOf(row.text('status')), ...costOf(row) }),
  };
}

/** An agent's names and ours are numbers both: which is which is said with them. */
function namesOf(
  source: Source,
  { reference, external }: { reference: string | undefined; external: string | undefined },
): string[] {
  const [ours, theirs] = agentOf(source) === undefined ? ['', ''] : ['prv:', 'txn:'];
  return [
    ...(reference === undefined ? [] : [ours + reference]),
    ...(external === undefined ? [] : [theirs + external]),
  ];
}

/** A partner's own word for the outcome, if it is one: a number of a person is longer. */
function wordOf(text: string): string | undefined {
  return text.length <= 64 && !/\d{6}/.test(text) ? text : undefined;
}

/** One register: its lines, and whether they add up to its last record. */
class RegisterReader implements Reader {
  readonly #layout: RegisterLayout;
  readonly #means: Means;
  readonly #places: ReadonlyMap<Field, Place>;
  readonly #clockwork: Clockwork;
  readonly #width: number;
  #isHeaderDue: boolean;
  #count = 0;
  #sum: ReportMoney = { currency: '', minor: 0n };
  #isTotalled = false;

  constructor(first: FirstLine, layout: RegisterLayout, means: Means & { readonly clockwork: Clockwork }) {
    this.#layout = layout;
    this.#means = means;
    this.#clockwork = means.clockwork;
    this.#places = placesOf(layout.columns, layout.hasHeader ? first.cells : []);
    this.#width = first.cells.length;
    this.#isHeaderDue = layout.hasHeader;
  }

  read(cells: readonly string[], line: number): Line | undefined {
    if (this.#isTotalled) throw invalid('goes on after its end', { line });
    if (this.#isHeaderDue) {
      this.#isHeaderDue = false;
      return undefined;
    }
    if (this.#isTotal(cells)) {
      this.#check(cells, line);
      return undefined;
    }
    if (cells.length !== this.#width) throw invalid('wrong number of columns', { line });
    const read = lineOf(new Row({ cells, line }, this.#places, this.#clockwork), this.#layout, this.#means);
    this.#count += 1;
    this.#sum = { currency: read.currency, minor: this.#sum.minor + read.grossMinor };
    return read;
  }

  end(line: number): undefined {
    if (this.#layout.total !== undefined && !this.#isTotalled) throw invalid('cut short', { line });
  }

  #isTotal(cells: readonly string[]): boolean {
    const { total } = this.#layout;
    return total !== undefined && (cells[0]?.trim().toLowerCase() ?? '').startsWith(total);
  }

  /** `Total:` with count and sum, in cells of their own or after the word. */
  #check(cells: readonly string[], line: number): void {
    this.#isTotalled = true;
    const rest = cells
      .join(' ')
      .trim()
      .slice((this.#layout.total ?? '').length);
    const [count, ...sum] = rest.replace(/^:/, '').trim().split(/\s+/);
    if (Number(count) !== this.#count) throw invalid('its own count is another', { line });
    const { currency, minor } = this.#sum;
    if (this.#count > 0 && parseMinor(sum.join(''), currency) !== minor)
      throw invalid('its own sum is another', { line });
  }
}

/** What a register must say to be of use. */
const required = ['date', 'amount'] as const;

/** A register laid out in this way. Numbers are turned into their blind index by `find`. */
export function registerFormat(named: { id: string; source: Source }, layout: RegisterLayout, find: IndexOf): Format {
  return {
    ...named,
    isComplete: layout.isComplete,
    encoding: layout.encoding,
    delimiter: layout.delimiter,
    zoneMinutes: layout.zoneMinutes,
    missing(first) {
      const places = placesOf(layout.columns, layout.hasHeader ? first.cells : []);
      const lacking: Field[] = required.filter((field) => !places.has(field));
      if (!places.has('reference') && !places.has('external')) lacking.unshift('reference');
      const beyond = [...places].filter(([, place]) => place.at >= first.cells.length).map(([field]) => field);
      return [...lacking, ...beyond].map((field) => titleOf(layout.columns, field));
    },
    open: (first, clockwork) => new RegisterReader(first, layout, { clockwork, find, source: named.source }),
  };
}
