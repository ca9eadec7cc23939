import { minorText, parseCurrency, parseMinor } from './amount.ts';
import { type Clockwork, type Moment, parseMoment } from './moment.ts';
import { invalid, type Line, type Period, type ReportMoney, type Source } from './report.ts';

/** What the first line of a file shows. */
export type FirstLine = { readonly cells: readonly string[]; readonly delimiter: string };

/** One way in which a source writes its reports. */
export type Format = {
  /** `stripe.activity` */
  readonly id: string;
  readonly source: Source;
  /** Whether it names everything that happened in its period. */
  readonly isComplete: boolean;
  readonly encoding: 'utf-8' | 'windows-1251';
  /** Undefined: found by looking at the first line. */
  readonly delimiter: string | undefined;
  /** Whether a quotation mark is only that; such a file cannot have a delimiter in a cell. */
  readonly isUnquoted?: boolean;
  /** What the clock of this source shows where neither the file nor whoever imports it says, in minutes east of Greenwich. */
  readonly zoneMinutes: number | undefined;
  /** The columns a file lacks to be one of these. */
  missing(first: FirstLine): readonly string[];
  open(first: FirstLine, clockwork: Clockwork): Reader;
};

/** Reads one file from its first record to its last. */
export type Reader = {
  /** Undefined for records that are no lines of the report: headers, sums. */
  read(cells: readonly string[], line: number): Line | undefined;
  /** Called when there are no more; refuses a file that was cut short. Answers the period that the file itself names. */
  end(line: number): Period | undefined;
};

/** Where each field stands: by the names its column may have, or by its number, from 1, in files without a header. */
export type Columns<F extends string> = Readonly<Record<F, readonly (string | number)[]>>;

export type Place = { readonly at: number; readonly title: string };

/** `Transaction ID`, `transactionId` and `TRANSACTION_ID` are one name. */
export function normal(title: string): string {
  return title.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** Where the columns are in this file. */
export function placesOf<F extends string>(columns: Columns<F>, titles: readonly string[]): Map<F, Place> {
  const byName = new Map<string, number>();
  // The first of two columns of one name is the report's own; later ones were added to it.
  for (const [at, title] of titles.entries()) if (!byName.has(normal(title))) byName.set(normal(title), at);
  const places = new Map<F, Place>();
  for (const [field, names] of Object.entries(columns) as [F, readonly (string | number)[]][]) {
    for (const name of names) {
      const at = typeof name === 'number' ? name - 1 : byName.get(normal(name));
      if (at === undefined) continue;
      places.set(field, { at, title: titles[at]?.trim() ?? String(name) });
      break;
    }
  }
  return places;
}

/** What a field is called where it was not found. */
export function titleOf<F extends string>(columns: Columns<F>, field: F): string {
  return String(columns[field][0] ?? field);
}

const ID = /^[\x21-\x7e]{1,128}$/;

/** One record with its columns. Everything read from it is checked here, and a defect is refused with its line and column. */
export class Row<F extends string> {
  readonly line: number;
  readonly #cells: readonly string[];
  readonly #places: ReadonlyMap<F, Place>;
  readonly #clockwork: Clockwork;

  constructor(record: { cells: readonly string[]; line: number }, places: ReadonlyMap<F, Place>, clockwork: Clockwork) {
    this.line = record.line;
    this.#cells = record.cells;
    this.#places = places;
    this.#clockwork = clockwork;
  }

  /** Whatever stands at these positions. */
  cells(positions: readonly number[]): string[] {
    return positions.map((at) => this.#cells[at]?.trim() ?? '');
  }

  /** Empty where the file has no such column. */
  text(field: F): string {
    const place = this.#places.get(field);
    return place === undefined ? '' : (this.#cells[place.at]?.trim() ?? '');
  }

  /** A name that the other side gave, such as `txn_1N…`. */
  id(field: F): string | undefined {
    const text = this.text(field);
    if (text === '') return undefined;
    if (!ID.test(text)) throw this.invalid(field, 'not an id');
    return text;
  }

  required(field: F): string {
    const id = this.id(field);
    if (id === undefined) throw this.invalid(field, 'empty');
    return id;
  }

  currency(field: F): string {
    const currency = parseCurrency(this.text(field));
    if (currency === undefined) throw this.invalid(field, 'not a currency');
    return currency;
  }

  amount(field: F, currency: string): bigint {
    const minor = parseMinor(this.text(field), currency);
    if (minor === undefined) throw this.invalid(field, 'not an amount');
    return minor;
  }

  /** What the clock shows that this file was written by, where that is known. */
  get zoneMinutes(): number | undefined {
    return this.#clockwork.zoneMinutes;
  }

  /** `field` is where a defect is shown; the moment may be put together from several, and by another clock than the file's. */
  moment(field: F, { text = this.text(field), zoneMinutes = this.zoneMinutes }: Written = {}): Moment {
    const moment = parseMoment(text, { ...this.#clockwork, zoneMinutes });
    if (moment === undefined) throw this.invalid(field, text.trim() === '' ? 'empty' : 'not a date');
    return moment;
  }

  invalid(field: F, reason: string): Error {
    return invalid(reason, { line: this.line, column: this.#places.get(field)?.title ?? field });
  }
}

type Written = { readonly text?: string; readonly zoneMinutes?: number | undefined };

/** What is left when the fee is taken off, which the report must agree with. */
export function netOf<F extends string>(
  row: Row<F>,
  money: { currency: string; gross: bigint; fee: bigint; net: F },
): Pick<Line, 'currency' | 'grossMinor' | 'feeMinor' | 'netMinor'> {
  const { currency, gross, fee, net } = money;
  if (row.text(net) !== '' && row.amount(net, currency) !== gross - fee) throw row.invalid(net, 'does not add up');
  return { currency, grossMinor: gross, feeMinor: fee, netMinor: gross - fee };
}

export function unsigned({ currency, minor }: ReportMoney): ReportMoney {
  return { currency, minor: minor < 0n ? -minor : minor };
}

const WORD_LENGTH_MAX = 128;

/** Words and ids worth keeping, without those that are empty. */
export function extraOf(pairs: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(pairs).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '',
  );
  return Object.fromEntries(kept.map(([name, text]) => [name, text.slice(0, WORD_LENGTH_MAX)]));
}

/** As kept among the words of the other side. */
export function moneyText({ currency, minor }: ReportMoney): string {
  return `${minorText(minor, currency)} ${currency}`;
}

export type Table<F extends string> = Pick<Format, 'id' | 'source' | 'isComplete' | 'zoneMinutes'> & {
  readonly columns: Columns<F>;
  readonly required: readonly F[];
  /** Told apart from other reports of this source by more than its columns. */
  readonly isThis?: (first: FirstLine) => boolean;
  /** Normal names of columns of which there may be several, or none. */
  readonly more?: RegExp;
  /** The line in one row, undefined where it is none; with what stands in the further columns. */
  line(row: Row<F>, more: readonly string[]): Line | undefined;
};

/** A report with one line of titles and then one kind of rows. */
export function tableFormat<F extends string>(table: Table<F>): Format {
  const { id, source, isComplete, zoneMinutes, columns, required } = table;
  return {
    id,
    source,
    isComplete,
    zoneMinutes,
    encoding: 'utf-8',
    delimiter: undefined,
    missing(first) {
      const places = placesOf(columns, first.cells);
      const lacking = required.filter((field) => !places.has(field)).map((field) => titleOf(columns, field));
      return lacking.length === 0 && table.isThis?.(first) === false ? [titleOf(columns, required[0] as F)] : lacking;
    },
    open(first, clockwork) {
      const places = placesOf(columns, first.cells);
      const more = [...first.cells.keys()].filter((at) => table.more?.test(normal(first.cells[at] ?? '')));
      let isHeaderDue = true;
      return {
        read(cells, line) {
          if (isHeaderDue) {
            isHeaderDue = false;
            return undefined;
          }
          if (cells.length !== first.cells.length) throw invalid('wrong number of columns', { line });
          const row = new Row({ cells, line }, places, clockwork);
          return table.line(row, row.cells(more));
        },
        end: () => undefined,
      };
    },
  };
}
