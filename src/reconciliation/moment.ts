/** Which of `03/04/2026` is the day: the fourth of March to some, the third of April to others. */
export type DateOrder = 'dmy' | 'mdy';

/** What the dates of a file have shown so far about their order. Both are possible until a day above 12 has been seen. */
export type DateEvidence = { isUsed: boolean; dmy: boolean; mdy: boolean };

export type Clockwork = {
  /** Minutes east of Greenwich, for moments that do not say; undefined where nobody knows. */
  readonly zoneMinutes: number | undefined;
  readonly order: DateOrder | undefined;
  readonly evidence: DateEvidence;
};

/** An instant, and the end of the day where only the day is known. */
export type Moment = { readonly at: Date; readonly until: Date };

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const time = String.raw`(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AP]M))?)?`;
const zone = String.raw`\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?`;
const yearFirst = new RegExp(`^(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})${time}${zone}$`, 'i');
const dayFirst = new RegExp(`^(\\d{1,2})[.-](\\d{1,2})[.-](\\d{4})${time}${zone}$`, 'i');
const slashes = new RegExp(`^(\\d{1,2})/(\\d{1,2})/(\\d{4})${time}${zone}$`, 'i');
const digits = /^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?$/;

/** Reads the ways in which reports write moments; undefined where it is none. */
export function parseMoment(text: string, clockwork: Clockwork): Moment | undefined {
  const written = text.trim();
  const whole = yearFirst.exec(written) ?? digits.exec(written);
  if (whole) return momentOf(whole, { year: 1, month: 2, day: 3 }, clockwork);
  const dotted = dayFirst.exec(written);
  if (dotted) return momentOf(dotted, { year: 3, month: 2, day: 1 }, clockwork);
  const slashed = slashes.exec(written);
  if (!slashed) return undefined;
  const order = clockwork.order ?? learn(slashed, clockwork.evidence);
  return momentOf(slashed, order === 'dmy' ? { year: 3, month: 2, day: 1 } : { year: 3, month: 1, day: 2 }, clockwork);
}

/** Takes note of what this date rules out, and answers an order in which it can be read. */
function learn(match: RegExpExecArray, evidence: DateEvidence): DateOrder {
  const [first, second] = [Number(match[1]), Number(match[2])];
  evidence.isUsed = true;
  if (first > 12) evidence.mdy = false;
  if (second > 12) evidence.dmy = false;
  return first > 12 ? 'dmy' : 'mdy';
}

type Places = { year: number; month: number; day: number };

function momentOf(match: RegExpExecArray, places: Places, clockwork: Clockwork): Moment | undefined {
  const number = (place: number): number => Number(match[place] ?? 0);
  const [year, month, day] = [number(places.year), number(places.month), number(places.day)];
  const hour = hourOf(match);
  const [minute, second] = [number(5), number(6)];
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  const read = new Date(local);
  const isReal =
    read.getUTCMonth() === month - 1 && read.getUTCDate() === day && hour < 24 && minute < 60 && second < 61;
  if (!isReal) return undefined;
  const offset = match[8] === undefined ? clockwork.zoneMinutes : parseZone(match[8]);
  if (offset === undefined) return undefined;
  const at = new Date(local - offset * MINUTE_MS);
  return { at, until: match[4] === undefined ? new Date(at.getTime() + DAY_MS) : at };
}

/** On a clock of twelve hours 12 comes before 1. */
function hourOf(match: RegExpExecArray): number {
  const hour = Number(match[4] ?? 0);
  const half = match[7]?.toUpperCase();
  return half === undefined ? hour : (hour % 12) + (half === 'PM' ? 12 : 0);
}

const hours = (count: number): number => count * 60;

/** Abbreviations that stand for one clock only. CST and IST do not: they are left to whoever imports the file. */
const zones = new Map<string, number>([
  ...['Z', 'UTC', 'GMT', 'WET'].map((name): [string, number] => [name, 0]),
  ['WEST', hours(1)],
  ['BST', hours(1)],
  ['CET', hours(1)],
  ['CEST', hours(2)],
  ['EET', hours(2)],
  ['EEST', hours(3)],
  ['MSK', hours(3)],
  ['HKT', hours(8)],
  ['SGT', hours(8)],
  ['JST', hours(9)],
  ['AEST', hours(10)],
  ['AEDT', hours(11)],
  ['NZST', hours(12)],
  ['NZDT', hours(13)],
  ['EST', hours(-5)],
  ['EDT', hours(-4)],
  ['CDT', hours(-5)],
  ['MST', hours(-7)],
  ['MDT', hours(-6)],
  ['PST', hours(-8)],
  ['PDT', hours(-7)],
]);

/** Minutes east of Greenwich: `+05:00`, `GMT+5`, `PDT`. Undefined where it does not say. */
export function parseZone(text: string): number | undefined {
  const name = text.trim().toUpperCase();
  const known = zones.get(name);
  if (known !== undefined) return known;
  const match = /^(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2}))?$/.exec(name);
  if (!match) return undefined;
  const minutes = hours(Number(match[2])) + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}
