/** A currency as the bank lists it: its Russian name, the number of units a figure is for, and the level of late 2026 in hundredths of a tenge. */
type Listed = { readonly code: string; readonly name: string; readonly quant: number; readonly level: number };

const listed: readonly Listed[] = [
  { code: 'AUD', name: 'АВСТРАЛИЙСКИЙ ДОЛЛАР', quant: 1, level: 309_40 },
  { code: 'AED', name: 'ДИРХАМ ОАЭ', quant: 1, level: 123_10 },
  { code: 'AMD', name: 'АРМЯНСКИЙ ДРАМ', quant: 10, level: 11_87 },
  { code: 'CHF', name: 'ШВЕЙЦАРСКИЙ ФРАНК', quant: 1, level: 562_30 },
  { code: 'CNY', name: 'КИТАЙСКИЙ ЮАНЬ', quant: 1, level: 65_20 },
  { code: 'EUR', name: 'ЕВРО', quant: 1, level: 524_60 },
  { code: 'GBP', name: 'ФУНТ СТЕРЛИНГОВ СОЕДИНЕННОГО КОРОЛЕВСТВА', quant: 1, level: 602_80 },
  { code: 'IRR', name: 'ИРАНСКИЙ РИАЛ', quant: 10_000, level: 10_75 },
  { code: 'JPY', name: 'ЯПОНСКАЯ ЙЕНА', quant: 1, level: 2_91 },
  { code: 'KGS', name: 'КЫРГЫЗСКИЙ СОМ', quant: 1, level: 5_17 },
  { code: 'KRW', name: 'ЮЖНО-КОРЕЙСКАЯ ВОНА', quant: 100, level: 31_60 },
  { code: 'RUB', name: 'РОССИЙСКИЙ РУБЛЬ', quant: 1, level: 5_36 },
  { code: 'TRY', name: 'ТУРЕЦКАЯ ЛИРА', quant: 1, level: 10_42 },
  { code: 'USD', name: 'ДОЛЛАР США', quant: 1, level: 452_10 },
  { code: 'UZS', name: 'УЗБЕКСКИЙ СУМ', quant: 100, level: 3_81 },
  { code: 'XDR', name: 'СДР', quant: 1, level: 614_90 },
];

const DAY_MS = 86_400_000;

/** Days since 1970, as everything here counts them. */
export type DayNo = number;

export function dayNoOf(text: string): DayNo | undefined {
  const [, day, month, year] = /^(\d{2})\.(\d{2})\.(\d{4})$/.exec(text) ?? [];
  const no = Date.parse(`${year}-${month}-${day}`) / DAY_MS;
  return Number.isNaN(no) || textOf(no) !== text ? undefined : no;
}

/** As the bank writes a day: 24.11.2026. */
export function textOf(day: DayNo): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10).split('-').reverse().join('.');
}

/** What Friday's trading gave is in force from Saturday to Monday. */
function sessionOf(day: DayNo): DayNo {
  const weekday = new Date(day * DAY_MS).getUTCDay();
  return day - (weekday === 0 ? 1 : weekday === 1 ? 2 : 0);
}

/** In hundredths of a tenge, always the same for a day: a wave of some months, two percent to either side, and a little noise. */
function figureOf({ code, level }: Listed, day: DayNo): number {
  const session = sessionOf(day);
  const seed = [...code].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
  const period = 90 + (seed % 60);
  const phase = (session + seed) % period;
  const wave = Math.abs(phase * 2 - period) * 400 - period * 200;
  const noise = (((session * 7_919 + seed) * 104_729) % 31) - 15;
  return Math.max(1, level + Math.round((level * (wave / period + noise)) / 10_000));
}

function tenge(hundredths: number): string {
  return `${Math.trunc(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}`;
}

function changeOf(now: number, before: number): { index: string; change: string } {
  const size = tenge(Math.abs(now - before));
  if (now === before) return { index: '', change: size };
  return now > before ? { index: 'UP', change: `+${size}` } : { index: 'DOWN', change: `-${size}` };
}

/** The bank's items for a day. */
export function itemsOf(day: DayNo): string {
  return listed
    .map((currency) => {
      const now = figureOf(currency, day);
      const { index, change } = changeOf(now, figureOf(currency, sessionOf(day) - 1));
      return `  <item>
    <fullname>${currency.name}</fullname>
    <title>${currency.code}</title>
    <description>${tenge(now)}</description>
    <quant>${currency.quant}</quant>
    <index>${index}</index>
    <change>${change}</change>
  </item>`;
    })
    .join('\n');
}
